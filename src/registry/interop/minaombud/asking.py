"""Who asks, for whom: the headers of a request, and the place from which its operations are asked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from starlette.requests import Request

from registry.api.problems import MalformedRequestError
from registry.domain.callers import Caller, Scope
from registry.domain.documents import Document, Json, party_document
from registry.domain.errors import ForbiddenError
from registry.domain.parties import Party
from registry.interop.minaombud.clients import UserScope
from registry.interop.minaombud.id_tokens import User, verify_user
from registry.interop.minaombud.surface import Asker, MinaOmbud

_SERVICE_NAME: Final = re.compile(r"[a-zA-Z0-9._-]{1,255}")


@dataclass(frozen=True, slots=True)
class Asking:
    """A request's asker, proved. `caller` is who the operations are asked as, and sees what it may see.

    For a person that is the person itself, through the client; else it is the client's organisation.
    """

    asker: Asker
    service: str
    user: User | None
    now: datetime

    @property
    def caller(self) -> Caller:
        """Whose view the operations are given."""
        caller = self.asker.caller
        if self.is_person and self.user is not None and self.user.person is not None:
            scopes = frozenset({Scope.VERIFY_OWN, Scope.VERIFY_ANY})
            return replace(caller, organisation=self.user.person, scopes=scopes, departments=frozenset())
        return replace(caller, scopes=frozenset({Scope.VERIFY_OWN}))

    @property
    def is_person(self) -> bool:
        """Whether a person asks for itself."""
        return self.asker.scope is UserScope.SELF

    def document(self, call: str, asked: Document, third_parties: Sequence[Party]) -> Document:
        """How it was asked, for the access log: what was sent, and who sent it.

        The purpose is what whoever was looked up is shown of it: the service, and the case handler there.
        """
        username = None if self.user is None else self.user.username
        document: dict[str, Json] = {
            "call": call,
            "scope": self.asker.scope.value,
            "service": self.service,
            "asked": asked,
            "purpose": self.service if username is None else f"{self.service} ({username})",
        }
        if username is not None:
            document["preferred_username"] = username
        if self.user is not None and self.user.person is not None:
            document["user"] = party_document(self.user.person)
        if len(third_parties) == 1:
            document["third_party"] = party_document(third_parties[0])
        return document

    def is_self(self, *parties: Party | None) -> bool:
        """Whether the user may ask about these: a person only where it is one of them."""
        if not self.is_person:
            return True
        return self.user is not None and self.user.person is not None and self.user.person in parties

    def require_third_party(self, third_party: Party) -> None:
        """Raise ForbiddenError where the asker may ask at its own third party alone, and this is another."""
        if not self.is_person and third_party != self.asker.caller.organisation:
            raise ForbiddenError(
                f"The scope `{self.asker.scope}` is for the third party whose client this is, and no other."
            )


async def read_asking(surface: MinaOmbud, request: Request, *, looks_up: bool = True) -> Asking:
    """Check token and headers. `looks_up` unless nobody is looked up: then no user is asked for.

    Raises UnauthenticatedError, MalformedRequestError, ForbiddenError, UnavailableError.
    """
    now = surface.runtime.now()
    asker = await surface.tokens.caller(request.headers.get("authorization"), now)
    service = request.headers.get("x-service-name", "")
    if not _SERVICE_NAME.fullmatch(service):
        raise MalformedRequestError(
            "Name the service that asks in the header `X-Service-Name`: A-Z a-z 0-9 . _ -"
        )
    user = await _read_user(asker, request, now) if looks_up else None
    return Asking(asker, service, user, now)


async def _read_user(asker: Asker, request: Request, now: datetime) -> User | None:
    token = request.headers.get("x-id-token")
    if asker.scope is UserScope.ANY:
        if token is not None:
            raise MalformedRequestError("With `user:any` no user asks: leave `X-Id-Token` out.")
        return None
    if not token:
        raise MalformedRequestError(
            f"With `{asker.scope}` a user asks: send the user's id token in `X-Id-Token`."
        )
    user = await verify_user(token, asker.client.issuers, now=now)
    if asker.scope is UserScope.SELF and user.person is None:
        raise ForbiddenError("With `user:self` the id token names a person: a party to what is asked for.")
    if asker.scope is UserScope.OTHER and user.username is None:
        raise ForbiddenError("With `user:other` the id token names the case handler: `preferred_username`.")
    return user
