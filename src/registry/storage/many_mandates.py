"""Recording many mandates at once: one statement for each table, however many there are."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert

from registry.domain.mandate import Mandate
from registry.domain.template import TemplateContent
from registry.signing.encryption import commitment, encrypt, new_data_secret, salt
from registry.signing.keys import KeyRing
from registry.storage.database import WriteSession
from registry.storage.mandate_records import evidence_place, record_place
from registry.storage.projection import representation_rows, state_row
from registry.storage.tables import (
    erasable_secrets,
    mandate_evidence,
    mandate_records,
    mandate_states,
    representations,
)
from registry.storage.timers import add_timers


@dataclass(frozen=True, slots=True)
class NewMandate:
    """A mandate that is to be recorded: its template, its sealed bytes, the evidence of its one signature."""

    mandate: Mandate
    template: TemplateContent
    sealed: bytes
    evidence: bytes


async def add_mandates(session: WriteSession, keys: KeyRing, new: Sequence[NewMandate]) -> None:
    """Record mandates with evidence, data key and projection, as issuing one does; none is fine."""
    if not new:
        return
    secrets, records, evidence = [], [], []
    for item in new:
        mandate_id, secret = item.mandate.id, new_data_secret()
        number, wrapped = keys.wrap(secret, str(mandate_id))
        secrets.append(
            {
                "subject_id": mandate_id,
                "kek_number": number,
                "wrapped": wrapped,
                "created_at": item.mandate.issued_at,
            }
        )
        place = record_place(mandate_id)
        records.append(
            {
                "mandate_id": mandate_id,
                "issued_at": item.mandate.issued_at,
                "commitment": commitment(salt(secret, place), item.sealed),
                "ciphertext": encrypt(secret.data_key, item.sealed, place),
            }
        )
        ciphertext = encrypt(secret.data_key, item.evidence, evidence_place(mandate_id, 0))
        evidence.append({"mandate_id": mandate_id, "position": 0, "ciphertext": ciphertext})
    states = [state_row(item.mandate, item.template, keys, item.sealed) for item in new]
    holders = [row for item in new for row in representation_rows(item.mandate, item.template, keys)]
    await session.execute(insert(erasable_secrets), secrets)
    await session.execute(insert(mandate_records), records)
    await session.execute(insert(mandate_evidence), evidence)
    await session.execute(insert(mandate_states), states)
    await session.execute(insert(representations), holders)
    await add_timers(session, [(item.mandate, item.template) for item in new])
