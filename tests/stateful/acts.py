"""Random acts on mandates through the API, each told to the model as well, and answers held against it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx
from hypothesis import strategies as st

from acting import calling, in_short, jws_signature
from factories import Organisation, World, mandate_body, person
from registry.domain.documents import utc_text, utc_time
from stateful.cast import GRANTED, PERMISSIONS, PRINCIPALS, REPRESENTATIVES, TEMPLATES
from stateful.more_acts import more_acts, names
from stateful.slow_life import ENDINGS, FOREVER, OVER, Approval, Mandate, Model, Request, Restriction

Json = dict[str, Any]

MAX_DEPTH = 2
TICK = timedelta(microseconds=1)


@dataclass
class Life:
    """One third party with its mandates, here and in the model."""

    world: World
    owner: Organisation
    data: st.DataObject
    model: Model = field(default_factory=Model)
    templates: dict[str, Json] = field(default_factory=dict)
    numbers: Any = field(default_factory=count)

    @property
    def now(self) -> datetime:
        """The clock, which stands until it is set."""
        return self.world.clock()

    def draw(self, *choices: Any) -> Any:  # noqa: ANN401  # whatever the choices are
        """Choose one."""
        return self.data.draw(st.sampled_from(choices))

    def draw_mandate(self) -> Mandate | None:
        """Choose a mandate, by its place, or none."""
        mandates = [None, *self.model.mandates.values()]
        return mandates[self.draw(*range(len(mandates)))]

    def draw_approval(self) -> Approval | None:
        """Choose a matter, by its place, or none."""
        approvals = [None, *self.model.approvals]
        return approvals[self.draw(*range(len(approvals)))]

    async def begin(self) -> None:
        """Publish the templates."""
        for name, changes in TEMPLATES.items():
            self.templates[name] = await self.world.publish_template(self.owner, **changes)

    async def live(self, steps: int) -> None:
        """Do so many things; after each, everything is as the model says."""
        acts: dict[str, Callable[[], Awaitable[None]]] = {act.__name__: act for act in self._acts()}
        acts |= more_acts(self)
        for _ in range(steps):
            await acts[self.draw("issue", "step_clock", "use", *acts)]()
            await self.compare()

    def _acts(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        return (
            self.issue,
            self.grant_on,
            self.step_clock,
            self.use,
            self.end,
            self.turn,
            self.restrict,
            self.lift,
            self.ask,
            self.sign,
            self.cancel,
        )

    async def step_clock(self) -> None:
        """Go on to, just before or just after a time at which something changes, or a little ahead."""
        moments = [
            moment + step
            for moment in self.model.boundaries()
            for step in (-TICK, timedelta(), TICK)
            if moment + step > self.now
        ]
        self.world.clock.fixed = self.draw(self.now + timedelta(hours=7), *moments)
        self.owner = await calling(self.world, self.owner)

    async def issue(self) -> None:
        """Issue a mandate, sometimes in the place of another."""
        name = self.draw(*GRANTED)
        old = self.draw_mandate()
        start = self.now + timedelta(hours=self.draw(-24, 0, 0, 12))
        wanted = Mandate(
            id="",
            principal=old.principal if old else self.draw(*PRINCIPALS),
            representatives=REPRESENTATIVES[:2] if name == "joint" else (self.draw(*REPRESENTATIVES),),
            permissions=self.draw(("apply",), PERMISSIONS),
            template=name,
            valid_from=start,
            valid_until=self.now + timedelta(hours=self.draw(13, 24, 300)),
            issued_at=self.now,
            together=2 if name == "joint" else 1,
            max_uses=2 if name == "limited" else None,
        )
        answer = await self._send(wanted, old)
        if old is not None and old.status(self.now) in OVER:
            expected = 409
        else:
            others = {
                key: other for key, other in self.model.mandates.items() if not (old and old in other.chain)
            }
            expected = 409 if Model(others).in_force(wanted) else 201
        assert answer.status_code == expected, answer.text
        if expected == 201:
            wanted.id = answer.json()["id"]
            if old is not None:
                self.model.end(old, "superseded", self.now)
            self.model.mandates[wanted.id] = wanted

    async def _send(self, wanted: Mandate, old: Mandate | None) -> httpx.Response:
        signer = wanted.parent.representatives[0] if wanted.parent else wanted.principal
        signed = await self.world.sign(self.owner, self._body(wanted, old), signer)
        return await self.owner.post("/v1/mandates", signed)

    def _body(self, wanted: Mandate, old: Mandate | None = None) -> Json:
        return mandate_body(
            self.templates[wanted.template],
            principal=person(wanted.principal, "P"),
            representatives=[person(number, "R") for number in wanted.representatives],
            permissions=list(wanted.permissions),
            valid_from=utc_text(wanted.valid_from),
            valid_until=utc_text(wanted.valid_until),
            external_ref=str(next(self.numbers)),
            supersedes=old.id if old else None,
            parent=wanted.parent.id if wanted.parent else None,
        )

    async def grant_on(self) -> None:
        """Grant on from a mandate that allows it."""
        parents = [item for item in self.model.mandates.values() if item.template == "delegable"]
        place = self.draw(*range(len(parents) + 1))
        if place == len(parents):
            return
        parent = parents[place]
        holders = {item.representatives[0] for item in parent.chain}
        wanted = Mandate(
            id="",
            principal=parent.principal,
            representatives=(self.draw(*REPRESENTATIVES),),
            permissions=parent.permissions,
            template="delegable",
            valid_from=max(parent.valid_from, self.now),
            valid_until=parent.valid_until,
            issued_at=self.now,
            parent=parent,
        )
        stands = parent.status(self.now) in {"active", "not_yet_valid"}
        may = stands and len(parent.chain) <= MAX_DEPTH and wanted.representatives[0] not in holders
        previewed = await self.owner.post("/v1/mandates/preview", self._body(wanted))
        assert previewed.status_code == (200 if may else 422), previewed.text
        if may:
            answer = await self._send(wanted, None)
            expected = 409 if self.model.in_force(wanted) else 201
            assert answer.status_code == expected, answer.text
            if expected == 201:
                wanted.id = answer.json()["id"]
                self.model.mandates[wanted.id] = wanted

    async def restrict(self) -> None:
        """Block a principal's representatives, or one of them."""
        principal, representative = self.draw(*PRINCIPALS), self.draw(None, *REPRESENTATIVES)
        start, until = self.now + timedelta(hours=self.draw(0, 5)), self.draw(None, 12)
        end = start + timedelta(hours=until) if until else None
        body = {
            "subject": person(principal, "P"),
            "scope": "representative" if representative else "all_representatives",
            "third_party": self.owner.wire,
            "from": utc_text(start),
            "reason": "so it is",
        }
        body |= {"representative": person(representative, "R")} if representative else {}
        body |= {"until": utc_text(end)} if end else {}
        answer = await self.owner.post("/v1/restrictions", body)
        assert answer.status_code == 201, answer.text
        imposed = Restriction(answer.json()["id"], principal, representative, start, end, self.now)
        self.model.restrictions.append(imposed)

    async def lift(self) -> None:
        """Lift a restriction, once."""
        restrictions = self.model.restrictions
        place = self.draw(*range(len(restrictions) + 1))
        if place == len(restrictions):
            return
        restriction = restrictions[place]
        answer = await self.owner.post(f"/v1/restrictions/{restriction.id}/lifting", {"reason": "over"})
        assert answer.status_code == (201 if restriction.lifted_at is None else 409), answer.text
        restriction.lifted_at = restriction.lifted_at or self.now

    async def ask(self) -> None:
        """Ask for a mandate that its principal has yet to sign."""
        wanted = Mandate(
            id="",
            principal=self.draw(*PRINCIPALS),
            representatives=(self.draw(*REPRESENTATIVES),),
            permissions=("apply",),
            template="plain",
            valid_from=self.now,
            valid_until=self.now + timedelta(hours=self.draw(20, 200)),
            issued_at=self.now,
        )
        body = self._body(wanted) | {"expires_in_days": 1}
        answer = await self.owner.post("/v1/mandate-requests", body)
        assert answer.status_code == 201, answer.text
        request = answer.json()
        expires_at = min(self.now + timedelta(days=1), wanted.valid_until)
        self.model.requests.append(Request(request["id"], request["digest"], wanted, expires_at))

    async def sign(self) -> None:
        """Sign a request as its principal: it becomes a mandate, if nothing is in its way."""
        request = self._draw_request()
        if request is None:
            return
        wanted = request.wanted
        evidence = self.world.evidence(wanted.principal, request.digest)
        answer = await self.owner.post(
            f"/v1/mandate-requests/{request.id}/signatures", jws_signature(evidence)
        )
        may = request.status(self.now) == "pending" and not self.model.in_force(wanted)
        assert answer.status_code == (201 if may else 409), answer.text
        if may:
            request.ended = "issued"
            wanted.id, wanted.issued_at = answer.json()["mandate_id"], self.now
            self.model.mandates[wanted.id] = wanted

    async def cancel(self) -> None:
        """Cancel a request."""
        request = self._draw_request()
        if request is None:
            return
        answer = await self.owner.post(f"/v1/mandate-requests/{request.id}/cancellation")
        may = request.status(self.now) == "pending"
        assert answer.status_code == (201 if may else 409), answer.text
        if may:
            request.ended = "cancelled"

    def _draw_request(self) -> Request | None:
        requests = [None, *self.model.requests]
        return requests[self.draw(*range(len(requests)))]

    async def end(self) -> None:
        """Revoke or renounce: the principal, a representative or the third party."""
        mandate = self.draw_mandate()
        if mandate is None:
            return
        role = self.draw("principal", "representative", "third_party")
        number = {"principal": mandate.principal, "representative": mandate.representatives[0]}.get(role)
        headers = {"Id_Token": self.world.id_token(number, self.owner.client_id)} if number else {}
        answer = await self.owner.post(
            f"/v1/mandates/{mandate.id}/revocation", {"by": role, "reason": "so it is"}, **headers
        )
        await self._told(mandate, answer, "renounced" if role == "representative" else "revoked")

    async def turn(self) -> None:
        """Suspend or resume."""
        mandate = self.draw_mandate()
        if mandate is None:
            return
        turned, path = self.draw(("suspended", "suspension"), ("resumed", "resumption"))
        turns = [kind for kind, _ in mandate.events if kind in {"suspended", "resumed"}]
        is_suspended = turns[-1:] == ["suspended"]
        answer = await self.owner.post(f"/v1/mandates/{mandate.id}/{path}", {"reason": "so it is"})
        await self._told(mandate, answer, turned, allowed=is_suspended == (turned == "resumed"))

    async def use(self) -> None:
        """Use a mandate, which may use it up."""
        mandate = self.draw_mandate()
        if mandate is None:
            return
        body = {
            "permission": mandate.permissions[0],
            "case_ref": f"case {next(self.numbers)}",
            "by": person(mandate.representatives[0], None),
        }
        approval = self.draw_approval() if mandate.template == "approved" else None
        answer = await self.owner.post(f"/v1/mandates/{mandate.id}/uses", body | names(approval))
        parties = (mandate.principal, mandate.representatives[0])
        is_blocked = self.model.is_blocked(mandate, mandate.representatives[:1], self.now, None)
        allowed = mandate.status(self.now) == "active" and not is_blocked
        if allowed and approval and (approval.principal, approval.representative) != parties:
            assert answer.status_code == 422, answer.text
            return
        if mandate.template == "approved":
            is_good = approval is not None and approval.is_good(self.now, None)
            allowed = allowed and is_good and body["permission"] == "apply"
        await self._told(mandate, answer, "used", allowed=allowed)
        uses = sum(kind == "used" for kind, _ in mandate.events)
        if allowed and mandate.max_uses is not None:
            assert answer.json()["remaining"] == mandate.max_uses - uses
            if uses == mandate.max_uses:
                mandate.events.append(("used_up", self.now))

    async def _told(
        self, mandate: Mandate, answer: httpx.Response, kind: str, *, allowed: bool = True
    ) -> None:
        """Hold an act's answer against the model, and tell the model of it."""
        is_allowed = allowed and mandate.status(self.now) not in OVER
        assert answer.status_code == (201 if is_allowed else 409), answer.text
        if is_allowed and kind in ENDINGS:
            self.model.end(mandate, kind, self.now)
        elif is_allowed:
            mandate.events.append((kind, self.now))

    async def compare(self) -> None:
        """Every status, and the answer to one question, are those of the model."""
        mandates = self.model.mandates
        if mandates:
            answer = await self.owner.post("/v1/mandates/status", {"ids": [*mandates]})
            found = {item["id"]: item["status"] for item in answer.json()["items"]}
            assert found == {key: mandate.status(self.now) for key, mandate in mandates.items()}
        for request in self.model.requests[-2:]:
            shown = (await self.owner.get(f"/v1/mandate-requests/{request.id}")).json()
            assert shown["status"] == request.status(self.now)
        moments = (
            None,
            *(moment + step for moment in self.model.boundaries() for step in (-TICK, timedelta())),
        )
        at, known_at = self.draw(*moments), self.draw(None, *moments)
        acting = self.draw(*((number,) for number in REPRESENTATIVES), REPRESENTATIVES[:2])
        principal, permission = self.draw(*PRINCIPALS), self.draw(*PERMISSIONS)
        approval = self.draw_approval()
        answer = await self.owner.post(
            "/v1/verifications",
            {
                "principal": person(principal, None),
                "representative": person(acting[0], None),
                "representatives": [person(number, None) for number in acting[1:]] or None,
                "permissions": [permission],
                "at": utc_text(at) if at else None,
                "known_at": utc_text(known_at) if known_at else None,
            }
            | names(approval),
        )
        assert answer.status_code == 200, answer.text
        given = answer.json()["permissions"][0]
        decision, reason, named = self.model.answer(
            principal, acting, permission, at or self.now, known_at, approval
        )
        shown = in_short({"decision": decision, "reasons": [reason] if reason else []})
        assert (in_short(given), given.get("mandate_id")) == (shown, named), f"{in_short(given)}, not {shown}"
        if named:
            until = given["valid_until"]
            assert (utc_time(until) if until else FOREVER) == mandates[named].valid_until
            chain = [item.id for item in mandates[named].chain]
            assert given.get("chain", [named]) == chain
