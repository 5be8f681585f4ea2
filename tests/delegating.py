"""What tests of sub-mandates do again and again: grant on, build a chain, hang a thousand below one."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from factories import HERMAN, MARIA, PAUL, PETRONELLA, TEST_PERSSON, Json, Organisation, World, person
from registry.domain.mandate import Mandate, read_record, record_document
from registry.domain.parties import NamedParty, Party
from registry.domain.template import TemplateContent
from registry.identity.sweden import swedish_test_number
from registry.signing.encryption import commitment, encrypt, new_data_secret, salt
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, open_seal, seal
from registry.storage.mandate_records import list_sealed_records, record_place
from registry.storage.projection import representation_rows, state_row
from registry.storage.templates import get_version

HOLDERS = (PAUL, MARIA, HERMAN, PETRONELLA, TEST_PERSSON)
"""Who holds the links of a chain, from the root down."""


def sub_body(parent: Json, /, *holders: str, **changes: Any) -> Json:  # noqa: ANN401  # any member
    """A sub-mandate of all that its parent grants, without signatures."""
    return {
        "template": {name: parent["template"][name] for name in ("id", "version")},
        "parent": parent["id"],
        "principal": parent["principal"],
        "representatives": [person(number, "Name Namesson") for number in holders or (MARIA,)],
        "permissions": parent["permissions"],
        "language": "sv",
    } | changes


async def grant_on(
    world: World,
    owner: Organisation,
    parent: Json,
    *holders: str,
    by: Sequence[str] = (),
    **changes: Any,  # noqa: ANN401  # any member
) -> Json:
    """Issue a sub-mandate, signed by these, else by the parent's first representative."""
    signers = by or (parent["representatives"][0]["value"],)
    signed = await world.sign(owner, sub_body(parent, *holders, **changes), *signers)
    issued = await owner.post("/v1/mandates", signed)
    assert issued.status_code == 201, issued.text
    answer: Json = issued.json()
    return answer


async def make_chain(world: World, owner: Organisation, length: int, **template: Any) -> list[Json]:  # noqa: ANN401
    """A chain of this many mandates, root first, on a template with these terms."""
    terms = {"delegation": {"max_depth": length}, "specifiers": ["property"]} | template
    chain = [await world.issue(owner, await world.publish_template(owner, **terms))]
    for holder in HOLDERS[1:length]:
        chain.append(await grant_on(world, owner, chain[-1], holder))
    return chain


def ids_of(mandates: Sequence[Json]) -> list[str]:
    return [mandate["id"] for mandate in mandates]


async def status_of(owner: Organisation, mandate: Json) -> str:
    return str((await owner.get(f"/v1/mandates/{mandate['id']}")).json()["status"])


async def hang_below(world: World, url: str, parent: Json, count: int) -> list[UUID]:
    """Record this many sub-mandates of one mandate, each as issuing writes it, all at once."""
    parent_id = UUID(parent["id"])
    async with world.database.reading() as session:
        sealed = await list_sealed_records(session, world.keys, [parent_id])
        version = await get_version(session, UUID(parent["template"]["id"]), parent["template"]["version"])
    above = read_record(open_seal(sealed[parent_id], world.keys, SealType.MANDATE))
    assert version is not None
    rows: dict[str, list[dict[str, Any]]] = {}
    for holder in _persons(count):
        below = _below(above, holder)
        for table, row in _rows(below, version.content, world.keys):
            rows.setdefault(table, []).append(row)
    connection = await asyncpg.connect(url)
    try:
        for table, items in rows.items():
            columns = list(items[0])
            records = [tuple(item[name] for name in columns) for item in items]
            await connection.copy_records_to_table(table, columns=columns, records=records)
    finally:
        await connection.close()
    return [row["mandate_id"] for row in rows["mandate_records"]]


def _persons(count: int) -> list[Party]:
    days = (date(1930, 1, 1) + timedelta(days=day) for day in range(count // 20 + 1))
    return [swedish_test_number(day, serial) for day in days for serial in range(980, 1000)][:count]


def _below(above: Mandate, holder: Party) -> Mandate:
    content = replace(above.content, parent=above.id, representatives=(NamedParty(holder, "Name Namesson"),))
    mandate_id = uuid7()
    digest = f"signed-{mandate_id}"
    return replace(
        above, id=mandate_id, content=content, content_digest=digest, ancestors=(*above.ancestors, above.id)
    )


def _rows(mandate: Mandate, terms: TemplateContent, keys: KeyRing) -> Iterator[tuple[str, dict[str, Any]]]:
    secret, place = new_data_secret(), record_place(mandate.id)
    sealed = seal(record_document(mandate), keys, SealType.MANDATE, now=mandate.issued_at)
    number, wrapped = keys.wrap(secret, str(mandate.id))
    yield (
        "erasable_secrets",
        {
            "subject_id": mandate.id,
            "kek_number": number,
            "wrapped": wrapped,
            "created_at": mandate.issued_at,
        },
    )
    yield (
        "mandate_records",
        {
            "mandate_id": mandate.id,
            "issued_at": mandate.issued_at,
            "commitment": commitment(salt(secret, place), sealed),
            "ciphertext": encrypt(secret.data_key, sealed, place),
        },
    )
    yield "mandate_states", state_row(mandate, terms, keys, sealed) | {"changes": "[]"}
    for row in representation_rows(mandate, terms, keys):
        yield "representations", row
