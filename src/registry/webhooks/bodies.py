"""What stands in a message: an event as the feed gives it, written as the endpoint wants it."""

from datetime import datetime
from uuid import UUID

from registry.domain.documents import Document, Json, utc_text
from registry.domain.endpoints import EndpointFormat

_MEDIA_TYPES = {
    EndpointFormat.STANDARD: "application/json",
    EndpointFormat.CLOUDEVENTS: "application/cloudevents+json; charset=utf-8",
}


def media_type(wanted: EndpointFormat) -> str:
    """The media type of a format's bodies."""
    return _MEDIA_TYPES[wanted]


def message_document(
    wanted: EndpointFormat, identifier: UUID, event_type: str, at: datetime, data: Document, *, source: str
) -> Document:
    """A message: as Standard Webhooks has it, or as a CloudEvent 1.0 in structured mode.

    `at` is the event's time, not the attempt's. `source` is the registry's address. The subject of a
    CloudEvent is that of the event, `mandate/<id>`.
    """
    if wanted is EndpointFormat.STANDARD:
        return {"type": event_type, "timestamp": utc_text(at), "data": data}
    noun = event_type.partition(".")[0]
    return {
        "specversion": "1.0",
        "id": str(identifier),
        "source": source,
        "type": event_type,
        "time": utc_text(at),
        "subject": f"{noun}/{data[f'{noun}_id']}",
        "datacontenttype": "application/json",
        "data": data,
    }


def ping_data(endpoint_id: UUID, challenge: str) -> dict[str, Json]:
    """What a ping tells: for an endpoint that is asked for its proof, the challenge to echo."""
    return {"endpoint_id": str(endpoint_id), "challenge": challenge}
