"""The person behind an act, proved by the header `Id-Token`."""

from typing import Annotated

from fastapi import Depends, Header

from registry.api.route import CallerDep, RuntimeDep
from registry.domain.errors import ForbiddenError
from registry.domain.parties import Party
from registry.identity.id_tokens import verify_id_token


async def get_person(
    runtime: RuntimeDep,
    caller: CallerDep,
    id_token: Annotated[
        str | None,
        Header(
            alias="Id-Token",
            description="Signed id token of the person who acts, at most 5 minutes old; else leave it out",
            max_length=8192,
        ),
    ] = None,
) -> Party | None:
    """Whom the id token names; None without one. Raises UnauthenticatedError, ForbiddenError."""
    if not id_token:
        return None
    person = await verify_id_token(
        id_token,
        runtime.issuers,
        audiences=frozenset({caller.client_id, runtime.settings.public_url}),
        now=runtime.now(),
    )
    return person.party


def require_person(person: Party | None) -> Party:
    """The person, where an operation is for persons alone. Raises ForbiddenError without one."""
    if person is None:
        raise ForbiddenError("Prove who looks: send the person's id token in the header `Id-Token`.")
    return person


PersonDep = Annotated[Party | None, Depends(get_person)]
