"""Open uses: which recorded uses nobody has closed, and the references of their cases."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, func, literal, select

from registry.domain.events import read_event
from registry.signing.encryption import decrypt
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal
from registry.storage.database import ReadSession, WriteSession
from registry.storage.mandate_records import event_place
from registry.storage.secrets import list_secrets
from registry.storage.tables import mandate_events, open_uses

_events, _uses = mandate_events.c, open_uses.c


async def is_use_open(session: WriteSession, mandate_id: UUID, use_id: UUID) -> bool:
    """Whether nobody has closed this use of a mandate that the transaction has locked."""
    found = select(_uses.use_id).where(_uses.mandate_id == mandate_id, _uses.use_id == use_id)
    return await session.one_or_none(found) is not None


async def list_case_refs(
    session: ReadSession, keys: KeyRing, uses: Collection[tuple[UUID, UUID]]
) -> dict[UUID, str]:
    """The case references of uses, given as (mandate, use), closed or not.

    They stand in the sealed events alone; those of erased mandates are left out. Raises DecryptionError,
    SealError.
    """
    if not uses:
        return {}
    secrets = await list_secrets(session, keys, [*{mandate_id for mandate_id, _ in uses}])
    # Two parameters, however many there are: a statement takes some 32,000.
    given = func.unnest(
        literal([mandate_id for mandate_id, _ in uses], ARRAY(Uuid)),
        literal([use_id for _, use_id in uses], ARRAY(Uuid)),
    )
    asked = given.table_valued("mandate_id", "use_id").render_derived(name="asked")
    same = and_(_events.mandate_id == asked.c.mandate_id, _events.event_id == asked.c.use_id)
    rows = await session.execute(
        select(_events.mandate_id, _events.event_id, _events.number, _events.ciphertext).join(asked, same)
    )
    found = {}
    for row in rows:
        secret = secrets.get(row.mandate_id)
        if secret is None:
            continue
        sealed = decrypt(secret.data_key, row.ciphertext, event_place(row.mandate_id, row.number))
        event = read_event(open_seal(sealed, keys, SealType.EVENT))
        found[row.event_id] = str(event.details["case_ref"])
    return found
