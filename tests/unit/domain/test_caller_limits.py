"""What a client may do, by scope and by department."""

import pytest

from registry.domain.callers import Caller, Scope
from registry.domain.errors import ForbiddenError, MissingScopeError
from unit.domain.builders import TOWN


def caller(*scopes: Scope, departments: frozenset[str] = frozenset()) -> Caller:
    return Caller("demo-platform", TOWN.party, frozenset(scopes), departments)


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_opens_its_own_door_only(scope: Scope) -> None:
    caller(scope).require(scope)
    everything_else = caller(*(set(Scope) - {scope}))
    with pytest.raises(MissingScopeError, match=scope.value) as caught:
        everything_else.require(scope)
    assert caught.value.scope == scope.value
    assert isinstance(caught.value, ForbiddenError)


@pytest.mark.parametrize(
    ("limit", "department", "may_see"),
    [
        ((), None, True),
        ((), "Miljö", True),
        (("Miljö",), "Miljö", True),
        (("Miljö",), "Skola", False),
        (("Miljö",), None, False),
        (("Miljö", "Skola"), "Skola", True),
    ],
)
def test_a_limited_client_sees_its_departments_alone(
    *, limit: tuple[str, ...], department: str | None, may_see: bool
) -> None:
    assert caller(departments=frozenset(limit)).may_see_department(department) is may_see


def test_a_record_names_the_client() -> None:
    assert caller().urn == "urn:registry:client:demo-platform"
