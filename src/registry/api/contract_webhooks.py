"""What an endpoint is sent, in the contract: OpenAPI's `webhooks` (3.1, section 4.8.1)."""

from copy import deepcopy
from typing import Any

from registry.api.examples.endpoints import MESSAGE, MESSAGE_HEADERS

Json = dict[str, Any]

_HEADERS = {
    "webhook-id": "The same on every attempt: take each once",
    "webhook-timestamp": "Of this attempt, in Unix seconds: refuse what is more than 5 minutes off",
    "webhook-signature": "`v1,` and `v1a,` signatures of `id.timestamp.body`, separated by spaces: one that "
    "verifies is enough",
}


def describe_messages(document: Json) -> None:
    """Add the one message that is sent, with its headers; the event in it is as the feed gives it."""
    event = document["components"]["schemas"]["FeedOut"]["properties"]["items"]["items"]
    body = {
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "description": "The event's"},
            "timestamp": {"type": "string", "format": "date-time", "description": "The event's"},
            "data": deepcopy(event),
        },
    }
    document["webhooks"] = {
        "event": {
            "post": {
                "operationId": "receive_an_event",
                "tags": ["Webhooks"],
                "summary": "Receive an event",
                "description": "What an enabled endpoint is sent. Answer 2xx within 15 seconds, and do the "
                "work afterwards; all else is tried again, at the latest a day later, ten times in all. "
                "410 disables the endpoint; 429, 502 and 504 slow it down.",
                "parameters": [
                    {
                        "name": name,
                        "in": "header",
                        "required": True,
                        "description": text,
                        "schema": {"type": "string"},
                        "example": MESSAGE_HEADERS[name],
                    }
                    for name, text in _HEADERS.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": body, "example": MESSAGE}},
                },
                "responses": {"2XX": {"description": "Taken"}},
            }
        }
    }
