"""Gather a mandate's evidence: all that proves it, in one bundle that is checked without the registry."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from registry.domain.callers import Caller
from registry.domain.documents import Json
from registry.domain.errors import LogPendingError, NotFoundError
from registry.operations.look_up_mandate import find_seen
from registry.proofs.bundle import Bundle, LoggedRecord
from registry.signing.encryption import DataSecret, salt
from registry.signing.jose import parse_compact
from registry.signing.keys import KeyRing
from registry.signing.records import MAX_SEALED_CHARS
from registry.storage.access_log import AccessLog
from registry.storage.database import ReadSession
from registry.storage.evidence import get_publication, list_evidence
from registry.storage.log import StoredCheckpoint, find_leaves, get_checkpoint, get_tiles
from registry.storage.mandate_records import (
    event_place,
    get_sealed_record,
    list_sealed_events,
    record_place,
)
from registry.storage.secrets import get_secret
from registry.tlog.entries import MANDATE, PUBLIC_SALT, TEMPLATE
from registry.tlog.inclusion import InclusionProof
from registry.tlog.tree import inclusion_ranges, proof, tiles_for


@dataclass(frozen=True, slots=True)
class _Sealed:
    """Sealed bytes under the number and the index of their log entry, with the salt of their commitment."""

    number: int
    leaf_index: int
    sealed: str
    salt: bytes


async def gather_evidence(log: AccessLog, caller: Caller, mandate_id: UUID, *, now: datetime) -> Bundle:
    """The bundle of a mandate, to one of its parties: all that the log's newest checkpoint holds of it.

    Only salts of its own entries are disclosed. Raises NotFoundError for anybody else's, LogPendingError
    where something of it is not in the log yet, or came into it meanwhile, UnavailableError.
    """
    async with log.database.transaction() as session:
        state = await find_seen(session, log, caller, mandate_id, "mandate_evidence", now=now)
        secret = await get_secret(session, log.keys, mandate_id)
        if secret is None:
            raise NotFoundError
        evidence = await list_evidence(session, secret, mandate_id)
        own = await _read_own(session, secret, mandate_id)
        template = await _read_template(session, state.template_id, state.template_version)
        checkpoint = await get_checkpoint(session)
        if checkpoint is None or await _holds_more(session, mandate_id, own):
            raise LogPendingError
        record, *events, publication = await _prove(session, [*own, template], checkpoint)
    origin = checkpoint.note.partition("\n")[0]
    return Bundle(
        mandate_id=mandate_id,
        made_at=now,
        record=record,
        events=tuple(events),
        evidence=tuple(item.decode() for item in evidence),
        template_id=state.template_id,
        template=publication,
        keys=_keys_of(log.keys, [record, *events, publication]),
        log_keys=tuple(key.text for key in log.keys.log_verifiers(origin)),
        checkpoint=checkpoint.note,
    )


async def _read_own(session: ReadSession, secret: DataSecret, mandate_id: UUID) -> list[_Sealed]:
    sealed = [(0, record_place(mandate_id), await get_sealed_record(session, secret, mandate_id))]
    sealed += [
        (event.number, event_place(mandate_id, event.number), event.sealed)
        for event in await list_sealed_events(session, secret, mandate_id)
    ]
    # Looked up last: whatever is read above and logged by now is found.
    leaves = await find_leaves(session, MANDATE, mandate_id)
    if any(number not in leaves for number, _, _ in sealed):
        raise LogPendingError
    return [
        _Sealed(number, leaves[number], data.decode(), salt(secret, place)) for number, place, data in sealed
    ]


async def _holds_more(session: ReadSession, mandate_id: UUID, own: Sequence[_Sealed]) -> bool:
    """Whether the log has an event that was recorded and logged while the others were read.

    Asked after the checkpoint was read: a bundle never lacks what its checkpoint is over.
    """
    return len(await find_leaves(session, MANDATE, mandate_id)) > len(own)


async def _read_template(session: ReadSession, template_id: UUID, version: int) -> _Sealed:
    sealed = await get_publication(session, template_id, version)
    leaves = await find_leaves(session, TEMPLATE, template_id)
    if version not in leaves:
        raise LogPendingError
    return _Sealed(version, leaves[version], sealed.decode(), PUBLIC_SALT)


async def _prove(
    session: ReadSession, wanted: Sequence[_Sealed], checkpoint: StoredCheckpoint
) -> list[LoggedRecord]:
    """The checkpoint is read after the leaves, so it is over all of them; tiles have only grown since."""
    ranges = [inclusion_ranges(item.leaf_index, checkpoint.size) for item in wanted]
    tiles = await get_tiles(session, tiles_for(span for path in ranges for span in path))
    return [
        LoggedRecord(
            item.number,
            item.sealed,
            item.salt,
            InclusionProof(item.leaf_index, tuple(proof(tiles, path)), checkpoint.note).text,
        )
        for item, path in zip(wanted, ranges, strict=True)
    ]


def _keys_of(keys: KeyRing, records: Sequence[LoggedRecord]) -> list[dict[str, Json]]:
    """The public keys under whose seals these records are, with the times between which they sealed."""
    kids = {parse_compact(record.sealed, max_chars=MAX_SEALED_CHARS).kid for record in records}
    return [dict(key) for key in keys.jwks()["keys"] if key["kid"] in kids]
