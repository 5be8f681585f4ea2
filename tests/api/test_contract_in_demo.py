"""The contract's examples, sent as they stand to the demo: what a tester meets who only presses Execute."""

from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.test_paper_scans import attachment
from conftest import CloneDatabase, opened
from contract_reading import Operation, all_operations, examples_of
from factories import TEST_PERSSON, Json, World
from log_filling import integrate
from registry.demo.loader import load_demo
from registry.demo.testers import id_token_command, sign_command
from registry.demo.trusted import trusted_demo_issuers
from registry.identity.issuers import index_issuers
from registry.operations.sequence_events import sequence_events
from registry.signing.keys import KeyRing

PETRONELLA, HERMAN = "198602102389", "195004112354"


@dataclass
class Visitor:
    """Somebody at Swagger UI: sends what the contract prefills, but for the ids of this very demo."""

    http: httpx.AsyncClient
    world: World
    token: str = ""
    tried: set[str] = field(default_factory=set)

    async def press_execute(self, operation_id: str, *, body: Json | None = None, **ids: Any) -> Any:  # noqa: ANN401
        """Send an operation's example and return the answer, once it looks as the contract's example does."""
        self.tried.add(operation_id)
        operation = next(item for item in all_operations() if item.id == operation_id)
        given = {item["name"]: (item["in"], examples_of(item)[0]) for item in operation.parameters}
        values = {name: ids.get(name, value) for name, (_, value) in given.items()}
        headers = {name: values[name] for name, (place, _) in given.items() if place == "header"}
        if operation.document["security"]:
            headers["Authorization"] = f"Bearer {self.token}"
        response = await self.http.request(
            operation.method,
            operation.path.format(**values),
            params={name: values[name] for name, (place, _) in given.items() if place == "query"},
            headers={name: value for name, value in headers.items() if value},
            **self._body(operation, body),
        )
        if response.status_code == httpx.codes.NO_CONTENT:
            assert "204" in operation.responses
            return None
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


def example(operation_id: str) -> Json:
    """An operation's example body, to be fitted to this demo."""
    operation = next(item for item in all_operations() if item.id == operation_id)
    return deepcopy(examples_of(operation.request_media["application/json"])[0])


def differences(example: Any, real: Any, where: str = "") -> list[str]:  # noqa: ANN401
    """Where a real answer has other members than the example; null is anything, of a list one item."""
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
async def visitor(clone_database: CloneDatabase, keys: KeyRing) -> AsyncIterator[Visitor]:
    async with opened(await clone_database()) as database:
        issuers = trusted_demo_issuers()
        await load_demo(database, keys, index_issuers(issuers), now=datetime.now(UTC))
        world = World(database, keys)
        world.runtime.trusted = tuple(issuers)
        world.runtime.take_keys(keys)
        yield Visitor(world.anonymous, world)


async def authorize(visitor: Visitor, client_id: str = "demo-platform") -> None:
    token = await visitor.press_execute(
        "get_an_access_token",
        body={"grant_type": "client_credentials", "client_id": client_id, "client_secret": "demo"},
    )
    visitor.token = token["access_token"]


async def test_every_operation_answers_to_its_example(visitor: Visitor) -> None:
    await authorize(visitor)
    await about_the_service(visitor)
    template = await templates(visitor)
    await questions(visitor)
    await ask(visitor, template)
    mandate_id = await issue(visitor, template)
    await look_at_the_log(visitor)
    another = await look_up(visitor, mandate_id)
    await act(visitor, mandate_id, another)
    await deliver(visitor)
    await look_at_scans(visitor)
    await restrict(visitor)
    await approve(visitor)
    await read_what_is_told(visitor)
    await have_it_sent(visitor)
    await look_at_oneself(visitor)
    await audit(visitor)
    assert visitor.tried == {operation.id for operation in all_operations()}


async def about_the_service(visitor: Visitor) -> None:
    await visitor.press_execute("get_an_access_token")
    for operation_id in ("about_this_api", "is_the_process_alive", "can_the_process_serve", "public_keys"):
        await visitor.press_execute(operation_id)
    assert "registry_requests_total" in await visitor.press_execute("metrics")


async def templates(visitor: Visitor) -> Json:
    found = await visitor.press_execute("list_templates")
    assert [item["title"]["sv"] for item in found["items"]] == ["Restaurangombud"]
    template: Json = found["items"][0]
    for operation_id in ("read_a_template", "list_versions", "read_a_version"):
        await visitor.press_execute(operation_id, template_id=template["id"])
    draft = await visitor.press_execute("create_a_template")
    for operation_id in ("edit_a_draft", "publish_a_version", "add_a_version", "retire_a_template"):
        await visitor.press_execute(operation_id, template_id=draft["id"])
    return template


async def questions(visitor: Visitor) -> None:
    assert (await visitor.press_execute("verify"))["decision"] == "permit"
    batch = await visitor.press_execute("verify_many")
    assert [answer["decision"] for answer in batch["answers"]] == ["permit", "deny"]
    opened = await visitor.press_execute("open_an_acting_context")
    operation = next(item for item in all_operations() if item.id == "exchange_an_acting_context")
    body = examples_of(operation.request_media["application/json"])[0]
    exchanged = await visitor.press_execute(
        "exchange_an_acting_context", body=body | {"context": opened["context"]}
    )
    assert exchanged["decision"] == "permit"
    represented = await visitor.press_execute("on_whose_behalf")
    assert {item["principal"]["name"] for item in represented["items"]} == {
        "TB Ålyckan AB",
        "TB Bokföringsbyrå AB",
    }


async def ask(visitor: Visitor, template: Json) -> None:
    """Three requests: one is signed, one declined, one cancelled."""
    operation = next(item for item in all_operations() if item.id == "ask_for_a_mandate")
    body = examples_of(operation.request_media["application/json"])[0]
    body = body | {"template": {"id": template["id"], "version": template["version"]}}
    signed, declined, cancelled = [
        await visitor.press_execute(
            "ask_for_a_mandate", body=body, **{"Idempotency-Key": f"request-{number}"}
        )
        for number in range(3)
    ]
    found = await visitor.press_execute("search_mandate_requests")
    assert {item["id"] for item in found["items"]} >= {signed["id"], declined["id"], cancelled["id"]}
    await visitor.press_execute("read_a_mandate_request", request_id=signed["id"])
    evidence = sign_command(HERMAN, signed["to_be_signed"].encode(), datetime.now(UTC))
    signature = {
        "capacity": signed["capacity"],
        "method": "jws",
        "evidence": {"format": "jws", "data": evidence},
    }
    await visitor.press_execute("sign_a_mandate_request", body=signature, request_id=signed["id"])
    token = id_token_command(HERMAN, "demo-platform", datetime.now(UTC))
    await visitor.press_execute("decline_a_mandate_request", request_id=declined["id"], **{"Id-Token": token})
    await visitor.press_execute("cancel_a_mandate_request", request_id=cancelled["id"])


async def issue(visitor: Visitor, template: Json) -> str:
    body = example("preview_a_mandate") | {"template": {"id": template["id"], "version": template["version"]}}
    previewed = await visitor.press_execute("preview_a_mandate", body=body)
    evidence = sign_command(PETRONELLA, previewed["to_be_signed"].encode(), datetime.now(UTC))
    signature = {
        "capacity": previewed["capacity"],
        "method": "jws",
        "evidence": {"format": "jws", "data": evidence},
    }
    times = {name: previewed["content"][name] for name in ("valid_from", "valid_until")}
    issued = await visitor.press_execute("issue_a_mandate", body=body | times | {"signatures": [signature]})
    assert issued["status"] == "active"
    return str(issued["id"])


async def look_up(visitor: Visitor, mandate_id: str) -> str:
    found = await visitor.press_execute("search_mandates")
    assert {item["principal"]["name"] for item in found["items"]} == {"TB Bokföringsbyrå AB", "TB Ålyckan AB"}
    await visitor.press_execute("ask_for_the_status_of_many")
    for operation_id in (
        "read_a_mandate",
        "read_the_sealed_record",
        "list_what_happened",
        "gather_the_evidence",
    ):
        await visitor.press_execute(operation_id, mandate_id=mandate_id)
    return next(item["id"] for item in found["items"] if item["id"] != mandate_id)


async def look_at_the_log(visitor: Visitor) -> None:
    await integrate(visitor.world)
    for operation_id in ("newest_checkpoint", "entries_of_the_log", "a_tile_of_the_log"):
        await visitor.press_execute(operation_id)


async def act(visitor: Visitor, mandate_id: str, another: str) -> None:
    body = example("record_a_use")
    mandate = await visitor.press_execute("read_a_mandate", mandate_id=mandate_id)
    body = body | {"by": {name: mandate["representatives"][0][name] for name in ("scheme", "value")}}
    used = await visitor.press_execute("record_a_use", mandate_id=mandate_id, body=body)
    await visitor.press_execute("close_a_use", mandate_id=mandate_id, use_id=used["id"])
    for operation_id in ("suspend", "resume", "preview_a_revocation", "preview_a_withdrawal_request"):
        await visitor.press_execute(operation_id, mandate_id=mandate_id)
    for operation_id in ("refuse_a_withdrawal_request", "complete_a_withdrawal_request"):
        asked = await visitor.press_execute(
            "ask_for_withdrawal", mandate_id=mandate_id, **{"Idempotency-Key": operation_id}
        )
        await visitor.press_execute(operation_id, mandate_id=mandate_id, event_id=asked["event_id"])
    await visitor.press_execute("revoke_or_renounce", mandate_id=another)


async def deliver(visitor: Visitor) -> None:
    """On a template of an authority's own, which the demo lacks."""
    template = example("create_a_template") | {
        "signing": {"by": "authority"},
        "permissions": [{"code": "follow", "type": "read", "title": {"sv": "Följa"}}],
        "principal_types": ["person"],
        "validity": {"default_days": 365, "max_days": 730, "open_ended": True},
    }
    headers = {"Authorization": f"Bearer {visitor.token}", "Idempotency-Key": "guardians"}
    created = (await visitor.http.post("/v1/templates", json=template, headers=headers)).json()
    await visitor.http.post(f"/v1/templates/{created['id']}/versions/1/publication", headers=headers)
    body = example("deliver_statutory_mandates")
    body["mandates"][0] |= {"template": {"id": created["id"], "version": 1}}
    delivered = await visitor.press_execute("deliver_statutory_mandates", body=body)
    assert [item["is_new"] for item in delivered["mandates"]] == [True]


async def read_what_is_told(visitor: Visitor) -> None:
    while (await sequence_events(visitor.world.database, now=datetime.now(UTC))).has_more:
        pass
    told = await visitor.press_execute("read_events")
    assert {event["type"] for event in told["items"]} == {"mandate.issued"}


async def have_it_sent(visitor: Visitor) -> None:
    """To an endpoint that nobody delivers to here."""
    endpoint = await visitor.press_execute("register_an_endpoint")
    own = {"endpoint_id": endpoint["id"]}
    assert [item["id"] for item in (await visitor.press_execute("list_endpoints"))["items"]] == [
        endpoint["id"]
    ]
    for operation_id in ("read_an_endpoint", "change_an_endpoint", "rotate_the_secret"):
        await visitor.press_execute(operation_id, **own)
    ping = await visitor.press_execute("ping_an_endpoint", **own)
    await visitor.press_execute("replay_events", body={"since": datetime.now(UTC).isoformat()}, **own)
    listed = await visitor.press_execute(
        "list_deliveries", **own, state="waiting", cursor="f" * 8 + ping["id"][8:]
    )
    assert [item["id"] for item in listed["items"]] == [ping["id"]]
    for operation_id in ("read_a_delivery", "deliver_again"):
        await visitor.press_execute(operation_id, **own, delivery_id=ping["id"])
    await visitor.press_execute("delete_an_endpoint", **own)


async def look_at_oneself(visitor: Visitor) -> None:
    """As Test Persson, whom the examples ask about."""
    token = id_token_command(TEST_PERSSON, "demo-platform", datetime.now(UTC))
    overview = await visitor.press_execute("overview_of_my_mandates", **{"Id-Token": token})
    assert {item["role"] for item in overview["mandates"]} == {"representative"}
    looked = await visitor.press_execute("list_who_looked_at_me", **{"Id-Token": token})
    assert {item["operation"] for item in looked["items"]} > {"verification", "mandate_search"}


async def audit(visitor: Visitor) -> None:
    await authorize(visitor, "demo-admin")
    assert (await visitor.press_execute("audit_who_looked"))["items"]


async def look_at_scans(visitor: Visitor) -> None:
    await authorize(visitor, "demo-kobenhavn")
    headers = {"Authorization": f"Bearer {visitor.token}"}
    kommune = {"scheme": "dk-cvr", "value": "64942212", "name": "Københavns Kommune"}
    listed = await visitor.http.get(
        "/v1/templates", params={"third_party": "dk-cvr:64942212", "kind": "consent"}, headers=headers
    )
    template = next(item for item in listed.json()["items"] if "paper" in item["signing"]["methods"])
    signer = {"scheme": "dk-cpr", "value": "2512489996", "name": "Nancy Ann Test Berggren"}
    body = {
        "template": {"id": template["id"], "version": template["version"]},
        "principal": signer,
        "representatives": [kommune],
        "permissions": [template["permissions"][1]["code"]],
        "external_ref": "paper",
    }
    signature = {
        "capacity": "principal",
        "method": "paper",
        "signer": signer,
        "signed_at": "2026-11-20T12:00:00Z",
        "registrar": {"scheme": "username", "value": "anna.jensen"},
        "evidence": {"format": "attachment", "data": attachment()},
    }
    made = {}
    for path, asked in (("/v1/mandates", body | {"signatures": [signature]}), ("/v1/mandate-requests", body)):
        answer = await visitor.http.post(path, json=asked, headers=headers | {"Idempotency-Key": path})
        assert answer.status_code == 201, answer.text
        made[path] = answer.json()["id"]
    scan = await visitor.press_execute("read_the_scan_of_a_signature", mandate_id=made["/v1/mandates"])
    assert scan.startswith("%PDF-")
    await visitor.http.post(
        f"/v1/mandates/{made['/v1/mandates']}/revocation",
        json={"by": "third_party", "reason": "asked for anew"},
        headers=headers,
    )
    path = f"/v1/mandate-requests/{made['/v1/mandate-requests']}/signatures"
    signed = await visitor.http.post(path, json=signature, headers=headers | {"Idempotency-Key": path})
    assert signed.status_code == 201, signed.text
    await visitor.press_execute(
        "read_the_scan_of_a_requests_signature", request_id=made["/v1/mandate-requests"]
    )
    await authorize(visitor)


async def restrict(visitor: Visitor) -> None:
    imposed = await visitor.press_execute("impose_a_restriction")
    found = await visitor.press_execute("search_restrictions")
    assert [item["id"] for item in found["items"]] == [imposed["id"]]
    await visitor.press_execute("read_a_restriction", restriction_id=imposed["id"])
    lifted = await visitor.press_execute("lift_a_restriction", restriction_id=imposed["id"])
    assert lifted["status"] == "lifted"


async def approve(visitor: Visitor) -> None:
    requested = await visitor.press_execute("request_an_approval")
    read = await visitor.press_execute("read_an_approval", approval_id=requested["id"])
    assert read["status"] == "pending"
    found = await visitor.press_execute("search_approvals")
    assert requested["id"] in [item["id"] for item in found["items"]]
    decided = await visitor.press_execute("approve_or_decline", approval_id=requested["id"])
    assert decided["status"] == "approved"


def test_another_shape_would_be_found() -> None:
    assert differences({"items": [{"id": 1}]}, {"items": [{"id": 2}, {"id": 3}]}) == []
    assert differences({"items": [{"id": 1}]}, {"items": [{"number": 2}]}) == [
        "/items/0/id",
        "/items/0/number",
    ]
    assert differences({"id": 1}, {"id": "1"}) == ["/id is str"]
