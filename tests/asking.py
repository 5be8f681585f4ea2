"""What tests of mandate requests do again and again: ask, sign as somebody, read how it stands."""

from typing import Any

import httpx

from acting import jws_signature
from factories import HERMAN, MARIA, PAUL, PETRONELLA, Json, Organisation, World, mandate_body, person

ROOT = "/v1/mandate-requests"


def company(number: str = "5561929323") -> Json:
    """A company as principal, its name as registered."""
    return {"scheme": "se-orgnr", "value": number, "name": "TB Bokföringsbyrå AB"}


def two_jointly_or_one_alone() -> Json:
    """Herman and Maria jointly, either with Petronella, or Petronella alone."""
    board = [person(number, None) for number in (HERMAN, MARIA, PETRONELLA)]
    rule = {
        "text": "Två i förening eller Petronella Malteskog ensam",
        "alternatives": [{"any_of": [board[2]], "count": 1}, {"any_of": board, "count": 2}],
    }
    return {"form": "aktiebolag", "signatory_rule": rule, "source": "Bolagsverket"}


def company_body(template: Json, **changes: Any) -> Json:  # noqa: ANN401  # any member
    """A company asked to let Paul represent it."""
    return mandate_body(
        template,
        principal=company(),
        principal_details=two_jointly_or_one_alone(),
        representatives=[person(PAUL, "Paul Ingemar Vall")],
        **changes,
    )


async def ask_for(asker: Organisation, body: Json) -> Json:
    """Make a request and return it."""
    answer = await asker.post(ROOT, body)
    assert answer.status_code == 201, answer.text
    made: Json = answer.json()
    return made


async def sign_as(
    world: World,
    client: Organisation,
    request: Json,
    number: str,
    *,
    capacity: str | None = None,
    **headers: str,
) -> httpx.Response:
    """Deliver this person's signature over what the request asks for."""
    signature = jws_signature(world.evidence(number, request["digest"]), capacity or request["capacity"])
    return await client.post(f"{ROOT}/{request['id']}/signatures", signature, **headers)


async def standing(client: Organisation, request: Json) -> Json:
    """The request as it is now."""
    answer = await client.get(f"{ROOT}/{request['id']}")
    assert answer.status_code == 200, answer.text
    now: Json = answer.json()
    return now
