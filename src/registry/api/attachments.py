"""Scans of paper originals on the wire: as files to keep, never shown by a browser as a page."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import Path, Response
from pydantic import Field

from registry.api.models.fields import InDigits
from registry.identity.attachments import MEDIA_TYPES, Attachment

Position = Annotated[
    int, Field(ge=0, le=1000), InDigits, Path(description="Which of the signatures, counted from 0")
]

SCANNED: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}} for media_type in MEDIA_TYPES
        }
    }
}
"""What an operation that answers with a scan declares."""


def scan_response(attachment: Attachment, subject_id: UUID, position: int) -> Response:
    """The scan to save. Its name tells where it belongs, never what the file that was sent was called."""
    suffix = attachment.media_type.partition("/")[2]
    name = f"{subject_id}-signature-{position}.{suffix}"
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "private, no-store",
    }
    return Response(attachment.content, media_type=attachment.media_type, headers=headers)
