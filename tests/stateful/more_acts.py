"""More random acts: matters to approve, withdrawals that are asked for, and what an authority delivers."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from acting import sha256_text
from factories import Json, person
from registry.domain.documents import utc_text
from stateful.cast import BEGINNING, PRINCIPALS, REPRESENTATIVES
from stateful.slow_life import FOREVER, OVER, Approval, Mandate

if TYPE_CHECKING:
    from stateful.acts import Life

DIGEST = sha256_text(b"the form")
KEYS = ("household-1", "household-2")


def more_acts(life: "Life") -> dict[str, Callable[[], Awaitable[None]]]:
    """By name, what else is done in a life."""
    acts = (request_approval, decide, ask_withdrawal, answer_withdrawal, deliver)
    return {act.__name__: partial(act, life) for act in acts}


def names(approval: Approval | None) -> Json:
    """What names a matter in a question, or in a use."""
    return {} if approval is None else {"approval_id": approval.id, "content_digest": DIGEST}


async def request_approval(life: "Life") -> None:
    """Submit a matter, which is to be decided in time."""
    mandate = life.draw_mandate()
    principal = mandate.principal if mandate else life.draw(*PRINCIPALS)
    representative = mandate.representatives[0] if mandate else life.draw(*REPRESENTATIVES)
    deadline = life.now + timedelta(hours=life.draw(6, 100))
    body = {
        "principal": person(principal, "P"),
        "representative": person(representative, "R"),
        "permission": "apply",
        "title": "The form",
        "content_digest": DIGEST,
        "deadline": utc_text(deadline),
    }
    answer = await life.owner.post("/v1/approvals", body)
    assert answer.status_code == 201, answer.text
    life.model.approvals.append(Approval(answer.json()["id"], principal, representative, deadline))


async def decide(life: "Life") -> None:
    """Approve or decline as the representative, once and in time."""
    approval = life.draw_approval()
    if approval is None:
        return
    verdict = life.draw("approved", "approved", "declined")
    token = life.world.id_token(approval.representative, life.owner.client_id)
    answer = await life.owner.post(
        f"/v1/approvals/{approval.id}/decision", {"decision": verdict}, Id_Token=token
    )
    may = approval.verdict is None and life.now < approval.deadline
    assert answer.status_code == (201 if may else 409), answer.text
    if may:
        approval.verdict, approval.decided_at = verdict, life.now
    shown = (await life.owner.get(f"/v1/approvals/{approval.id}")).json()
    assert shown["status"] == approval.status(life.now)


async def ask_withdrawal(life: "Life") -> None:
    """Ask, as the principal, that the third party end a mandate; one request is open at a time."""
    mandate = life.draw_mandate()
    if mandate is None:
        return
    token = life.world.id_token(life.model.granted_by(mandate), life.owner.client_id)
    answer = await life.owner.post(
        f"/v1/mandates/{mandate.id}/withdrawal-requests",
        {"by": "principal", "reason": "so it is"},
        Id_Token=token,
    )
    may = mandate.status(life.now) not in OVER and mandate.open_withdrawal is None
    assert answer.status_code == (201 if may else 409), answer.text
    if may:
        mandate.open_withdrawal = answer.json()["event_id"]


async def answer_withdrawal(life: "Life") -> None:
    """Complete or refuse what was asked: the first ends the mandate, the second nothing."""
    asked = [item for item in life.model.mandates.values() if item.open_withdrawal is not None]
    place = life.draw(*range(len(asked) + 1))
    if place == len(asked):
        return
    mandate, turn = asked[place], life.draw("completion", "refusal")
    path = f"/v1/mandates/{mandate.id}/withdrawal-requests/{mandate.open_withdrawal}/{turn}"
    answer = await life.owner.post(path, {"reason": "so it is"})
    may = mandate.status(life.now) not in OVER
    assert answer.status_code == (201 if may else 409), answer.text
    if not may:
        return
    again = await life.owner.post(path, {"reason": "so it is"})
    assert again.status_code == 409, again.text
    mandate.open_withdrawal = None
    if turn == "completion":
        life.model.end(mandate, "revoked", life.now)


async def deliver(life: "Life") -> None:
    """Deliver what stands under a key, in the place of what was delivered before."""
    key, items = life.draw(*KEYS), _draw_items(life)
    before, model = life.model.deliveries.get(key, {}), life.model
    kept = {item: before[item] for item in items if item in before}
    gone = [mandate for item, mandate in before.items() if item not in kept]
    new = {item: _mandate(life, item) for item in items if item not in kept}
    bodies = [_body(life, item) for item in items]
    answer = await life.owner.http.put(f"/v1/statutory-deliveries/register/{key}", json={"mandates": bodies})
    left = [mandate for mandate in gone if mandate.status(life.now) not in OVER]
    others = type(model)({id_: item for id_, item in model.mandates.items() if item not in left})
    if any(others.in_force(mandate) for mandate in new.values()):
        assert answer.status_code == 409, answer.text
        return
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert sorted(told["ended"]) == sorted(mandate.id for mandate in left)
    for mandate in left:
        model.end(mandate, "revoked", life.now)
    for item, shown in zip(items, told["mandates"], strict=True):
        assert shown["is_new"] == (item in new)
        mandate = new.get(item) or kept[item]
        mandate.id = shown["id"]
        model.mandates[mandate.id] = mandate
        assert shown["status"] == mandate.status(life.now)
    model.deliveries[key] = {item: new.get(item) or kept[item] for item in items}


_Item = tuple[str, str, str]
"""Principal, representative, and which writing of it."""


def _draw_items(life: "Life") -> list[_Item]:
    """At most two, never for the same parties."""
    items: dict[tuple[str, str], _Item] = {}
    for _ in range(life.draw(0, 1, 2)):
        principal, representative = life.draw(*PRINCIPALS[1:]), life.draw(*REPRESENTATIVES[2:])
        items[principal, representative] = (principal, representative, life.draw("1", "2"))
    return list(items.values())


def _mandate(life: "Life", item: _Item) -> Mandate:
    principal, representative, _ = item
    return Mandate(
        id="",
        principal=principal,
        representatives=(representative,),
        permissions=("follow",),
        template="statutory",
        valid_from=BEGINNING,
        valid_until=FOREVER,
        issued_at=life.now,
    )


def _body(life: "Life", item: _Item) -> Json:
    principal, representative, writing = item
    template = life.templates["statutory"]
    return {
        "template": {name: template[name] for name in ("id", "version")},
        "principal": person(principal, "P"),
        "representatives": [person(representative, "R")],
        "permissions": ["follow"],
        "valid_from": utc_text(BEGINNING),
        "valid_until": None,
        "language": "sv",
        "external_ref": writing,
    }
