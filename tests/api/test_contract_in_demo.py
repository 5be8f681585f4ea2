"""The contract's examples, sent as they stand to the demo: what a tester meets who only presses Execute."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from conftest import CloneDatabase, opened
from contract_reading import Operation, all_operations, examples_of
from factories import Json, World
from registry.demo.eid import trusted_demo_issuers
from registry.demo.loader import load_demo
from registry.demo.testers import sign_command
from registry.identity.issuers import index_issuers
from registry.signing.keys import KeyRing

PETRONELLA = "198602102389"


@dataclass
class Tester:
    """Somebody at Swagger UI: sends what the contract prefills, but for the ids of this very demo."""

    http: httpx.AsyncClient
    tried: set[str] = field(default_factory=set)

    async def press_execute(self, operation_id: str, *, body: Json | None = None, **ids: Any) -> Any:  # noqa: ANN401
        """Send an operation's example and return the answer, once it looks as the contract's example does."""
        self.tried.add(operation_id)
        operation = next(item for item in all_operations() if item.id == operation_id)
        given = {item["name"]: (item["in"], examples_of(item)[0]) for item in operation.parameters}
        values = {name: ids.get(name, value) for name, (_, value) in given.items()}
        response = await self.http.request(
            operation.method,
            operation.path.format(**values),
            params={name: values[name] for name, (place, _) in given.items() if place == "query"},
            headers={
                name: values[name] for name, (place, _) in given.items() if place == "header" and values[name]
            },
            **self._body(operation, body),
        )
        expected = next(operation.answers("2"))
        assert (str(response.status_code), response.headers["content-type"].partition(";")[0]) == expected[
            :2
        ], response.text
        if expected[1] != "application/json":
            return response.text
        assert differences(examples_of(expected[2])[0], response.json()) == []
        return response.json()

    def _body(self, operation: Operation, body: Json | None) -> Json:
        for media_type, media in operation.request_media.items():
            return {"json" if media_type == "application/json" else "data": body or examples_of(media)[0]}
        return {}


def differences(example: Any, real: Any, where: str = "") -> list[str]:  # noqa: ANN401
    """Where a real answer has other members than the example; null stands for anything, of a list one item."""
    if example is None or real is None:
        return []
    if type(example) is not type(real):
        return [f"{where} is {type(real).__name__}"]
    if isinstance(example, dict):
        found = [f"{where}/{name}" for name in sorted(example.keys() ^ real.keys())]
        return found + [
            item
            for name in example.keys() & real.keys()
            for item in differences(example[name], real[name], f"{where}/{name}")
        ]
    if isinstance(example, list):
        return differences(example[0], real[0], f"{where}/0") if example and real else []
    return []


@pytest.fixture
async def tester(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Tester]:
    async with opened(await clone_database()) as database:
        issuers = trusted_demo_issuers()
        await load_demo(database, keys, index_issuers(issuers), now=datetime.now(UTC))
        world = World(database, keys)
        world.runtime.trusted = tuple(issuers)
        world.runtime.take_keys(keys)
        yield Tester(world.anonymous)


async def authorize(tester: Tester) -> None:
    token = await tester.press_execute(
        "get_an_access_token",
        body={"grant_type": "client_credentials", "client_id": "demo-platform", "client_secret": "demo"},
    )
    tester.http.headers["Authorization"] = f"Bearer {token['access_token']}"


async def test_every_operation_answers_to_its_example(tester: Tester) -> None:
    await authorize(tester)
    await about_the_service(tester)
    template = await templates(tester)
    await questions(tester)
    mandate_id = await issue(tester, template)
    await look_up(tester, mandate_id)
    await act(tester, mandate_id)
    assert tester.tried == {operation.id for operation in all_operations()}


async def about_the_service(tester: Tester) -> None:
    await tester.press_execute("get_an_access_token")
    for operation_id in ("about_this_api", "is_the_process_alive", "can_the_process_serve", "public_keys"):
        await tester.press_execute(operation_id)
    assert "registry_requests_total" in await tester.press_execute("metrics")


async def templates(tester: Tester) -> Json:
    found = await tester.press_execute("list_templates")
    assert [item["title"]["sv"] for item in found["items"]] == ["Restaurangombud"]
    template = found["items"][0]
    for operation_id in ("read_a_template", "list_versions", "read_a_version"):
        await tester.press_execute(operation_id, template_id=template["id"])
    draft = await tester.press_execute("create_a_template")
    for operation_id in ("edit_a_draft", "publish_a_version", "add_a_version", "retire_a_template"):
        await tester.press_execute(operation_id, template_id=draft["id"])
    return template


async def questions(tester: Tester) -> None:
    assert (await tester.press_execute("verify"))["decision"] == "permit"
    batch = await tester.press_execute("verify_many")
    assert [answer["decision"] for answer in batch["answers"]] == ["permit", "deny"]
    represented = await tester.press_execute("on_whose_behalf")
    assert [item["principal"]["name"] for item in represented["items"]] == [
        "TB Ålyckan AB",
        "TB Bokföringsbyrå AB",
    ]


async def issue(tester: Tester, template: Json) -> str:
    operation = next(item for item in all_operations() if item.id == "preview_a_mandate")
    body = examples_of(operation.request_media["application/json"])[0]
    body = body | {"template": {"id": template["id"], "version": template["version"]}}
    previewed = await tester.press_execute("preview_a_mandate", body=body)
    evidence = sign_command(PETRONELLA, previewed["to_be_signed"].encode(), datetime.now(UTC))
    signature = {
        "capacity": previewed["capacity"],
        "method": "jws",
        "evidence": {"format": "jws", "data": evidence},
    }
    times = {name: previewed["content"][name] for name in ("valid_from", "valid_until")}
    issued = await tester.press_execute("issue_a_mandate", body=body | times | {"signatures": [signature]})
    assert issued["status"] == "active"
    return str(issued["id"])


async def look_up(tester: Tester, mandate_id: str) -> None:
    found = await tester.press_execute("search_mandates")
    assert {item["principal"]["name"] for item in found["items"]} == {"TB Bokföringsbyrå AB", "TB Ålyckan AB"}
    await tester.press_execute("ask_for_the_status_of_many")
    for operation_id in ("read_a_mandate", "read_the_sealed_record", "list_what_happened"):
        await tester.press_execute(operation_id, mandate_id=mandate_id)


async def act(tester: Tester, mandate_id: str) -> None:
    operation = next(item for item in all_operations() if item.id == "record_a_use")
    body = examples_of(operation.request_media["application/json"])[0]
    mandate = await tester.press_execute("read_a_mandate", mandate_id=mandate_id)
    body = body | {"by": {name: mandate["representatives"][0][name] for name in ("scheme", "value")}}
    await tester.press_execute("record_a_use", mandate_id=mandate_id, body=body)
    for operation_id in ("suspend", "resume", "preview_a_revocation", "revoke_or_renounce"):
        await tester.press_execute(operation_id, mandate_id=mandate_id)


def test_another_shape_would_be_found() -> None:
    assert differences({"items": [{"id": 1}]}, {"items": [{"id": 2}, {"id": 3}]}) == []
    assert differences({"items": [{"id": 1}]}, {"items": [{"number": 2}]}) == [
        "/items/0/id",
        "/items/0/number",
    ]
    assert differences({"id": 1}, {"id": "1"}) == ["/id is str"]
