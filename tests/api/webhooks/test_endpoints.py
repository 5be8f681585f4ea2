"""Endpoints: registered, proved, changed, rotated, deleted, by those who may."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from factories import BERI, Json, Organisation, World
from registry.domain.callers import Scope
from registry.domain.endpoints import MAX_ENDPOINTS
from registry.operations.manage_clients import disable_registered_client
from registry.storage.endpoint_deliveries import forget_old_deliveries
from registry.webhooks.schedule import DELAYS
from registry.worker.chores import do_chores
from webhooks import OK, Deliveries, Receiver, answer, enabled, happen, register

ENDPOINTS = "/v1/webhook-endpoints"


async def status_of(owner: Organisation, endpoint: Json) -> tuple[str, str | None]:
    shown = (await owner.get(f"{ENDPOINTS}/{endpoint['id']}")).json()
    return shown["status"], shown["reason"]


async def change(owner: Organisation, endpoint: Json, **changes: object) -> Json:
    changed = await owner.http.patch(f"{ENDPOINTS}/{endpoint['id']}", json=changes)
    assert changed.status_code == 200, changed.text
    return changed.json()


async def test_nobody_calls_without_a_token(world: World) -> None:
    assert (await world.anonymous.get(ENDPOINTS)).status_code == 401
    without = await world.organisation(without=frozenset({Scope.WEBHOOKS_MANAGE}))
    assert (await without.get(ENDPOINTS)).status_code == 403


async def test_the_secret_is_shown_once_and_again_to_the_same_request(
    municipality: Organisation, receiver: Receiver, deliveries: Deliveries
) -> None:
    del deliveries
    body = {"url": receiver.address, "event_types": ["mandate.revoked"]}
    key = {"Idempotency-Key": str(uuid4())}
    first = await municipality.post(ENDPOINTS, body, **key)
    again = await municipality.post(ENDPOINTS, body, **key)
    assert (first.status_code, first.json()) == (201, again.json())
    (secret,) = first.json()["secrets"]
    assert secret["secret"].startswith("whsec_")
    assert secret["public_key"].startswith("whpk_")
    shown = (await municipality.get(first.headers["Location"])).json()
    assert shown == first.json() | {"secrets": [secret | {"secret": None}]}
    listed = (await municipality.get(ENDPOINTS)).json()
    assert (listed["total"], listed["items"]) == (1, [shown])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "https://example.org:8443/hook",
        "https://10.0.0.1/hook",
        "https://2130706433/hook",
        "https://user@example.org/hook",
        "ftp://example.org/hook",
        f"https://example.org/hook/{BERI}",
        "hook",
        "",
    ],
)
async def test_addresses_are_judged_at_registration(url: str, municipality: Organisation) -> None:
    refused = await municipality.post(ENDPOINTS, {"url": url, "event_types": ["*"]})
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/url"]
    assert BERI not in refused.text


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"event_types": []}, "/event_types"),
        ({"event_types": ["mandate.eaten"]}, "/event_types/0/"),
        ({"format": "xml"}, "/format"),
        ({"rate_per_second": 0}, "/rate_per_second"),
        ({"concurrency": 21}, "/concurrency"),
        ({"filters": {"colours": []}}, "/filters/colours"),
        ({"secret": "whsec_mine"}, "/secret"),
    ],
)
async def test_wishes_that_cannot_be_met(changes: Json, pointer: str, municipality: Organisation) -> None:
    body = {"url": "https://example.org/hook", "event_types": ["*"]} | changes
    refused = await municipality.post(ENDPOINTS, body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"].startswith(pointer.rstrip("/"))


async def test_a_pending_endpoint_that_proves_nothing_is_disabled_in_the_end(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    receiver.reply = lambda _: answer(200, b"leaked?")
    endpoint = await register(municipality, receiver)
    await deliveries.settle()
    assert await status_of(municipality, endpoint) == ("pending", None)
    listed = (await municipality.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries")).json()["items"]
    assert [(item["type"], item["sequence"]) for item in listed] == [("endpoint.ping", None)]
    shown = await municipality.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries/{listed[0]['id']}")
    (attempt,) = shown.json()["history"]
    assert (attempt["status"], attempt["answer"]) == (200, "")  # not shown to who proved nothing
    for delay in DELAYS:
        world.clock.advance(seconds=delay.total_seconds())
        await deliveries.settle()
    municipality = await world.organisation(municipality.party)  # its token has expired
    assert await status_of(municipality, endpoint) == ("disabled", "unproven")
    (told,) = (await municipality.get("/v1/events", types="endpoint.disabled")).json()["items"]
    assert told["details"] == {"reason": "unproven"}


async def test_the_proof_counts_for_what_was_asked(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    """An address that is changed while its proof is under way has not proved anything."""
    endpoint = await register(municipality, receiver)
    (due,) = await deliveries.claim()
    tried = await deliveries.outbound.attempt(due, now=world.clock())
    assert tried.is_proven
    await change(municipality, endpoint, url=receiver.address + "/other")
    await deliveries.record(tried)
    assert await status_of(municipality, endpoint) == ("pending", None)
    world.clock.advance(seconds=1)
    await deliveries.settle()  # nobody has to ask for it
    assert await status_of(municipality, endpoint) == ("enabled", None)
    assert receiver.got[-1].path == "/webhooks/other"


async def test_what_an_earlier_address_answers_does_not_disable_the_new_one(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    await happen(world, municipality)
    (due,) = await deliveries.claim()
    receiver.reply = lambda _: answer(410)
    gone = await deliveries.outbound.attempt(due, now=world.clock())
    await change(municipality, endpoint, url=receiver.address + "/moved")
    await deliveries.record(gone)
    assert await status_of(municipality, endpoint) == ("pending", None)


async def test_a_ping_is_asked_for_also_while_several_wait(
    municipality: Organisation, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    address = f"{ENDPOINTS}/{endpoint['id']}"
    (proof,) = (await municipality.get(f"{address}/deliveries")).json()["items"]
    receiver.reply = lambda _: answer(500)
    assert (await municipality.post(f"{address}/ping")).status_code == 202
    assert (await municipality.post(f"{address}/deliveries/{proof['id']}/redelivery")).status_code == 202
    assert (await municipality.post(f"{address}/ping")).status_code == 202


async def test_another_address_proves_its_wish_anew_and_what_waits_follows(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    receiver.reply = lambda _: answer(500)
    await happen(world, municipality)
    await deliveries.settle()
    changed = await change(municipality, endpoint, url=receiver.address + "/new")
    assert (changed["status"], changed["url"]) == ("pending", receiver.address + "/new")
    world.clock.advance(minutes=1)
    await deliveries.settle()
    assert len(receiver.events) == 1
    receiver.reply = lambda request: (
        answer(200, WebHook_Allowed_Origin="*") if request.method == "OPTIONS" else OK
    )
    for _ in range(2):
        world.clock.advance(minutes=10)
        await deliveries.settle()
    assert [request.path for request in receiver.events] == ["/webhooks", "/webhooks/new"]


async def test_its_owner_disables_and_enables_it(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    off = await change(municipality, endpoint, enabled=False)
    assert (off["status"], off["reason"]) == ("disabled", "owner")
    await happen(world, municipality)
    await deliveries.settle()
    for act, body in (("ping", None), ("replay", {"since": world.clock().isoformat()})):
        refused = await municipality.post(f"{ENDPOINTS}/{endpoint['id']}/{act}", body)
        assert refused.json()["type"].endswith("endpoint-disabled"), refused.text
    assert (await change(municipality, endpoint, enabled=True))["status"] == "enabled"
    await deliveries.settle()
    assert receiver.events == []
    await happen(world, municipality)
    await deliveries.settle()
    assert len(receiver.events) == 1


async def test_nothing_more_goes_to_the_endpoints_of_a_client_that_is_disabled(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    leaving = await world.organisation(municipality.party)
    its, other = (
        await enabled(leaving, receiver, deliveries),
        await enabled(municipality, receiver, deliveries),
    )
    await disable_registered_client(world.database, leaving.client_id, now=world.clock())
    assert await status_of(municipality, its) == ("disabled", "client_disabled")
    assert await status_of(municipality, other) == ("enabled", None)
    await deliveries.settle()
    (told,) = (await municipality.get("/v1/events", types="endpoint.disabled")).json()["items"]
    assert (told["endpoint_id"], told["details"]) == (its["id"], {"reason": "client_disabled"})
    assert {request.json["data"]["endpoint_id"] for request in receiver.events} == {its["id"]}
    assert len(receiver.events) == 1
    await change(municipality, its, enabled=True)  # by another client of the organisation
    await deliveries.settle()
    assert await status_of(municipality, its) == ("enabled", None)


async def test_changes_count_at_once(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    wishes = {"event_types": ["template.retired"], "rate_per_second": 7, "concurrency": 2}
    changed = await change(municipality, endpoint, **wishes)
    assert {name: changed[name] for name in wishes} == wishes
    assert changed["status"] == "enabled"
    await happen(world, municipality)
    await deliveries.settle()
    assert receiver.events == []


async def test_rotation_overlaps_and_then_the_earlier_secret_is_gone(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    address = f"{ENDPOINTS}/{endpoint['id']}/secret-rotation"
    rotated = (await municipality.post(address)).json()
    old, new = endpoint["secrets"][0]["secret"], rotated["secrets"][0]["secret"]
    assert [item["secret"] for item in rotated["secrets"]] == [new, None]
    await happen(world, municipality)
    await deliveries.settle()
    assert receiver.events[0].is_signed_with(old)
    assert receiver.events[0].is_signed_with(new)
    assert len(receiver.events[0].signatures("v1a")) == 2
    world.clock.advance(hours=24)
    municipality = await world.organisation(municipality.party)  # its token has expired
    await happen(world, municipality)
    await deliveries.settle()
    assert not receiver.events[1].is_signed_with(old)
    assert receiver.events[1].is_signed_with(new)
    leaked = (await municipality.post(address, {"overlap_hours": 0})).json()
    assert len(leaked["secrets"]) == 1
    for _ in range(3):
        assert (await municipality.post(address)).status_code == 200
    refused = await municipality.post(address)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:registry:problem:too-many-secrets")


async def test_a_deleted_endpoint_gets_nothing_and_leaves_nothing(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    await happen(world, municipality)
    address = f"{ENDPOINTS}/{endpoint['id']}"
    assert (await municipality.http.delete(address)).status_code == 204
    await deliveries.settle()
    assert receiver.events == []
    for path in ("", "/deliveries"):
        assert (await municipality.get(address + path)).status_code == 404
    assert (await municipality.http.delete(address)).status_code == 404
    assert (await municipality.get(ENDPOINTS)).json()["total"] == 0
    done = await do_chores(world.database, now=world.clock())
    assert (done.deliveries_forgotten >= 1, done.endpoints_forgotten >= 1) == (True, True)


async def test_finished_deliveries_are_forgotten_after_half_a_year(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    await enabled(municipality, receiver, deliveries)
    async with world.database.transaction() as session:
        await forget_old_deliveries(session, now=world.clock())
        assert await forget_old_deliveries(session, now=world.clock()) == 0
        later = world.clock() + timedelta(days=181)
        assert await forget_old_deliveries(session, now=later) >= 1


async def test_an_organisation_has_so_many_endpoints_at_most(
    world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    owner = await world.organisation()
    del deliveries
    await register(owner, receiver)
    copies = text(
        "INSERT INTO webhook_endpoints SELECT (copy).* FROM (SELECT jsonb_populate_record(e, "
        "jsonb_build_object('id', gen_random_uuid())) AS copy FROM webhook_endpoints e, "
        "generate_series(2, :wanted) WHERE e.client_id = :client) made"
    )
    async with world.database.transaction() as session:
        await session.execute(copies, {"wanted": MAX_ENDPOINTS, "client": owner.client_id})
    body = {"url": receiver.address, "event_types": ["*"]}
    refused = await owner.post(ENDPOINTS, body)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:registry:problem:too-many-endpoints")


async def test_a_client_of_departments_sees_and_makes_only_its_own(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    del deliveries
    whole = await register(municipality, receiver)
    limited = await world.organisation(municipality.party, departments=frozenset({"Miljökontoret"}))
    other = await world.organisation(municipality.party, departments=frozenset({"Socialkontoret"}))
    own = await register(limited, receiver)
    assert own["departments"] == ["Miljökontoret"]
    assert [item["id"] for item in (await limited.get(ENDPOINTS)).json()["items"]] == [own["id"]]
    assert (await municipality.get(ENDPOINTS)).json()["total"] == 2
    for client, endpoint in ((limited, whole), (other, own), (other, whole)):
        assert (await client.get(f"{ENDPOINTS}/{endpoint['id']}")).status_code == 404
        assert (await client.http.delete(f"{ENDPOINTS}/{endpoint['id']}")).status_code == 404


async def test_departments_are_told_of_their_endpoints_alone(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    limited = await world.organisation(municipality.party, departments=frozenset({"Miljökontoret"}))
    other = await world.organisation(municipality.party, departments=frozenset({"Socialkontoret"}))
    for owner in (municipality, limited):
        await enabled(owner, receiver, deliveries)
    receiver.reply = lambda _: answer(410)
    await world.publish_template(municipality)
    await deliveries.settle()
    told = {"types": "endpoint.disabled"}
    counts = [
        len((await reader.get("/v1/events", **told)).json()["items"])
        for reader in (municipality, limited, other)
    ]
    assert counts == [2, 1, 0]


async def test_deliveries_are_paged(
    municipality: Organisation, world: World, receiver: Receiver, deliveries: Deliveries
) -> None:
    endpoint = await enabled(municipality, receiver, deliveries)
    await happen(world, municipality, 2)
    await deliveries.settle()
    address = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    first = (await municipality.get(address, limit=2)).json()
    rest = (await municipality.get(address, limit=2, cursor=first["next"])).json()
    found = first["items"] + rest["items"]
    assert [item["id"] for item in found] == sorted((item["id"] for item in found), reverse=True)
    assert (len(found), rest["next"]) == (3, None)
    assert (await municipality.get(address, state="exhausted")).json()["items"] == []
