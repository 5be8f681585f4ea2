"""A registry full of mandates, real ones: sealed, encrypted, projected, written with COPY."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from rich.progress import track
from uuid_utils.compat import uuid7

from registry.domain.mandate import (
    Capacity,
    Mandate,
    MandateContent,
    Signature,
    content_document,
    record_document,
)
from registry.domain.parties import NamedParty, Party, PartyType, Scheme
from registry.domain.template import (
    MandateKind,
    Permission,
    PermissionType,
    SignatureMethod,
    TemplateContent,
    TemplateStatus,
    TemplateVersion,
)
from registry.identity.sweden import swedish_test_number
from registry.signing.canonical import base64url_digest, canonical_bytes
from registry.signing.encryption import commitment, encrypt, new_data_secret, salt
from registry.signing.keys import KeyRing
from registry.signing.records import SealType, seal
from registry.storage.database import Database
from registry.storage.mandate_records import record_place
from registry.storage.projection import representation_rows, state_row
from registry.storage.templates import add_draft, add_template, publish_version

THIRD_PARTY = Party(Scheme.SE_ORGNR, "2120002411")
PERMISSION = "apply"
BATCH = 5_000

TEMPLATE = TemplateContent(
    third_party=NamedParty(THIRD_PARTY, "Sundsvalls kommun"),
    kind=MandateKind.REPRESENTATION,
    title={"sv": "Ombud"},
    permissions=(Permission(PERMISSION, PermissionType.SIGN, {"sv": "Ansöka"}),),
    services=("oep-ansokan",),
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two parties between whom there is a mandate."""

    principal: Party
    representative: Party


def test_persons(count: int) -> list[Party]:
    """Numbers of the Tax Agency's test series, as many as asked for."""
    day = datetime(1930, 1, 1, tzinfo=UTC).date()
    persons: list[Party] = []
    while len(persons) < count:
        persons += [swedish_test_number(day, serial) for serial in range(980, 1000)]
        day += timedelta(days=1)
    return persons[:count]


async def populate(
    database: Database, url: str, keys: KeyRing, count: int, *, depth: int = 0, seed: int = 7
) -> list[Pair]:
    """Publish a template and record `count` mandates on it; returns between whom they are.

    With a depth, each is a sub-mandate with so many above it, which are recorded too.
    """
    persons = test_persons(2 * count // 10 + 2_000)
    shuffle = random.Random(seed)  # noqa: S311  # the same population each time
    pairs = [Pair(*shuffle.sample(persons, 2)) for _ in range(count)]
    await record_mandates(database, url, keys, pairs, depth=depth)
    return pairs


async def record_mandates(
    database: Database, url: str, keys: KeyRing, pairs: Sequence[Pair], *, depth: int = 0
) -> None:
    """Publish a template and record a mandate on it between the parties of each pair, in their order."""
    template_id, now = uuid7(), datetime.now(UTC) - timedelta(days=30)
    version = TemplateVersion(template_id, 1, TemplateStatus.DRAFT, TEMPLATE, now)
    async with database.transaction() as session:
        await add_template(session, template_id, THIRD_PARTY, created_by="benchmark", now=now)
        await add_draft(session, version)
        await publish_version(session, template_id, 1, sealed=b"benchmark", now=now)
    connection = await asyncpg.connect(url)
    try:
        batches = range(0, len(pairs), BATCH)
        for start in track(batches, description=f"Recording {len(pairs):,} mandates"):
            chains = [chain_of(template_id, pair, depth, now) for pair in pairs[start : start + BATCH]]
            await _copy(connection, keys, [mandate for chain in chains for mandate in chain])
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _copy(connection: asyncpg.Connection, keys: KeyRing, mandates: Sequence[Mandate]) -> None:
    rows: dict[str, list[dict[str, Any]]] = {}
    for mandate in mandates:
        for table, row in _rows(keys, mandate):
            rows.setdefault(table, []).append(row)
    async with connection.transaction():
        for table, items in rows.items():
            columns = list(items[0])
            await connection.copy_records_to_table(
                table, columns=columns, records=[tuple(item[name] for name in columns) for item in items]
            )


def _rows(keys: KeyRing, mandate: Mandate) -> Iterator[tuple[str, dict[str, Any]]]:
    now = mandate.issued_at
    secret, place = new_data_secret(), record_place(mandate.id)
    sealed = seal(record_document(mandate), keys, SealType.MANDATE, now=now)
    number, wrapped = keys.wrap(secret, str(mandate.id))
    yield (
        "erasable_secrets",
        {
            "subject_id": mandate.id,
            "kek_number": number,
            "wrapped": wrapped,
            "created_at": now,
        },
    )
    yield (
        "mandate_records",
        {
            "mandate_id": mandate.id,
            "issued_at": now,
            "commitment": commitment(salt(secret, place), sealed),
            "ciphertext": encrypt(secret.data_key, sealed, place),
        },
    )
    yield "mandate_states", state_row(mandate, TEMPLATE, keys, sealed) | {"changes": "[]"}
    for row in representation_rows(mandate, TEMPLATE, keys):
        yield "representations", row


def chain_of(template_id: UUID, pair: Pair, depth: int, now: datetime) -> list[Mandate]:
    """The mandate of this pair, after those above it, which another party holds."""
    upper = replace(pair, representative=THIRD_PARTY)
    chain: list[Mandate] = []
    for place in range(depth + 1):
        ancestors = tuple(mandate.id for mandate in chain)
        chain.append(_mandate(template_id, pair if place == depth else upper, now, ancestors))
    return chain


def _mandate(template_id: UUID, pair: Pair, now: datetime, ancestors: tuple[UUID, ...]) -> Mandate:
    mandate_id = uuid7()
    content = MandateContent(
        template_id=template_id,
        template_version=1,
        text_digest="benchmark",
        kind=MandateKind.REPRESENTATION,
        third_party=TEMPLATE.third_party,
        principal=NamedParty(pair.principal, "Test Persson"),
        principal_role=PartyType.PERSON,
        representatives=(NamedParty(pair.representative, "Test Persson"),),
        permissions=(PERMISSION,),
        valid_from=now,
        valid_until=now + timedelta(days=730),
        language="sv",
        parent=ancestors[-1] if ancestors else None,
        external_ref=f"benchmark {mandate_id}",
    )
    content_digest = base64url_digest(canonical_bytes(content_document(content)))
    signature = Signature(
        signer=content.principal,
        capacity=Capacity.PRINCIPAL,
        method=SignatureMethod.REGISTERED,
        signed_at=now,
        evidence_format="statement",
        evidence_digest="benchmark",
    )
    author = "urn:registry:client:benchmark"
    return Mandate(mandate_id, content, content_digest, (signature,), now, author, ancestors)


def question(pair: Pair) -> bytes:
    """The body of a verification between these parties."""
    return orjson.dumps(
        {
            "principal": {"scheme": pair.principal.scheme, "value": pair.principal.value},
            "representative": {"scheme": pair.representative.scheme, "value": pair.representative.value},
            "permissions": [PERMISSION],
            "purpose": "submission 2026-114",
        }
    )
