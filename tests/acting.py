"""What tests of mandates do and look at again and again: ask, read faults, set the clock, count rows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import httpx
import orjson
import rfc8785
from joserfc import jws
from joserfc.jwk import KeySet

from factories import Clock, Json, Organisation, World, question
from registry.domain.callers import Scope
from registry.domain.documents import utc_text
from registry.signing.encodings import encode_base64url
from registry.storage.clients import get_client
from registry.storage.database import Database

RECORDS = (
    "mandate_records",
    "mandate_evidence",
    "mandate_events",
    "mandate_endings",
    "mandate_states",
    "representations",
    "idempotency_keys",
)
"""What issuing and acting write."""


def faults(answer: httpx.Response) -> set[tuple[str, str]]:
    """Pointer and code of every fault of a 422."""
    assert answer.status_code == 422, answer.text
    return {(item["pointer"], item["code"]) for item in answer.json()["errors"]}


def problem(answer: httpx.Response) -> str:
    """The name of the problem type, with the status: `409 already-ended`."""
    document = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert document["status"] == answer.status_code
    return f"{answer.status_code} {document['type'].removeprefix('urn:registry:problem:')}"


async def ask(owner: Organisation, **changes: Any) -> Json:  # noqa: ANN401  # members of the question
    """The answer to a well-formed question."""
    answer = await owner.post("/v1/verifications", question(owner, **changes))
    assert answer.status_code == 200, answer.text
    document: Json = answer.json()
    return document


async def decision(owner: Organisation, **changes: Any) -> str:  # noqa: ANN401  # members of the question
    """The answer in short: `permit`, or `deny: revoked`."""
    return in_short(await ask(owner, **changes))


def in_short(answer: Json) -> str:
    """An answer's decision with its reasons."""
    return str(answer["decision"]) + (f": {', '.join(answer['reasons'])}" if answer["reasons"] else "")


def world_at(world: World, moment: datetime) -> World:
    """Another process over the same database with the same keys, whose clock stands at this time."""
    return World(world.database, world.keys, Clock(moment), world.eid_key)


def process_on(database: Database, world: World, clock: Clock | None = None) -> World:
    """Another process with connections of its own."""
    return World(database, world.keys, clock or Clock(), world.eid_key)


async def calling(world: World, organisation: Organisation) -> Organisation:
    """The same client, calling this process with a token of its time."""
    async with world.database.reading() as session:
        client = await get_client(session, organisation.client_id)
    assert client is not None
    token = world.access_token(client.client_id, client.scopes)
    transport = httpx.ASGITransport(app=world.app)
    headers = {"Authorization": f"Bearer {token}"}
    return replace(
        organisation,
        http=httpx.AsyncClient(transport=transport, base_url="http://registry.test", headers=headers),
    )


def without(*scopes: Scope) -> frozenset[Scope]:
    """What an organisation's client lacks, beside what it usually lacks."""
    return frozenset({Scope.VERIFY_ANY, Scope.REGISTRY_ADMIN, *scopes})


def jws_signature(data: str, capacity: str = "principal", **changes: Any) -> Json:  # noqa: ANN401  # any member
    """A signature with evidence by an e-ID issuer."""
    evidence = {"format": "jws", "data": data}
    return {"capacity": capacity, "method": "jws", "evidence": evidence} | changes


def paper_signature(signer: Json, signed_at: datetime, **changes: Any) -> Json:  # noqa: ANN401  # any member
    """A paper original that an employee attests."""
    return {
        "capacity": "principal",
        "method": "registered",
        "signer": signer,
        "signed_at": utc_text(signed_at),
        "registrar": {"scheme": "username", "value": "anna.andersson"},
        "evidence": {"format": "statement", "data": "Seen in the original, identity card checked."},
    } | changes


async def verified(world: World, token: str, typ: str) -> Json:
    """The payload of what the registry sealed, verified by another library with the published keys."""
    keys = (await world.anonymous.get("/.well-known/jwks.json")).json()
    opened = jws.deserialize_compact(token, KeySet.import_key_set(keys), algorithms=["ES256"])
    assert opened.headers()["typ"] == typ
    assert opened.headers()["kid"] in {key["kid"] for key in keys["keys"]}
    document: Json = orjson.loads(opened.payload)
    assert opened.payload == canonical(document)
    return document


def canonical(document: Mapping[str, Any]) -> bytes:
    """RFC 8785 by the reference library."""
    return rfc8785.dumps(dict(document))


def sha256_text(data: bytes) -> str:
    """SHA-256 in base64url."""
    return encode_base64url(sha256(data).digest())


async def count_rows(world: World) -> dict[str, int]:
    """How many rows there are in each table that issuing and acting write to."""
    return {
        table: int((await world.database.fetch_hot(f"SELECT count(*) AS n FROM {table}"))[0]["n"])  # noqa: S608  # the names above
        for table in RECORDS
    }
