"""Who may end a mandate, and when it is too late for any act."""

import pytest

from registry.domain.errors import ConflictError, ForbiddenError
from registry.domain.events import EventType, Status
from registry.domain.revocation import (
    MandateOverError,
    check_may_revoke,
    check_not_over,
    revocation_document,
    revocation_event,
)
from registry.domain.template import Role

OVER = {Status.REVOKED: "revoked", Status.EXPIRED: "expired", Status.USED_UP: "used up"}


@pytest.mark.parametrize("role", Role)
def test_a_role_that_the_template_names_may_revoke(role: Role) -> None:
    check_may_revoke(role, [role])
    check_may_revoke(role, tuple(Role))


@pytest.mark.parametrize("role", Role)
def test_another_role_is_told_who_may(role: Role) -> None:
    others = [other for other in Role if other is not role]
    with pytest.raises(ForbiddenError) as caught:
        check_may_revoke(role, others)
    assert all(other.value in caught.value.message for other in others)


@pytest.mark.parametrize("status", sorted(set(Status) - set(OVER)))
def test_what_is_not_over_can_be_acted_on(status: Status) -> None:
    check_not_over(status)


@pytest.mark.parametrize("status", sorted(OVER))
def test_what_is_over_is_named(status: Status) -> None:
    with pytest.raises(MandateOverError, match=OVER[status]) as caught:
        check_not_over(status)
    assert caught.value.status is status
    assert isinstance(caught.value, ConflictError)


def test_only_a_representative_renounces() -> None:
    assert {role: revocation_event(role) for role in Role} == {
        Role.PRINCIPAL: EventType.REVOKED,
        Role.REPRESENTATIVE: EventType.RENOUNCED,
        Role.THIRD_PARTY: EventType.REVOKED,
        Role.REGISTRAR: EventType.REVOKED,
    }


def test_what_a_representative_granted_on_it_revokes() -> None:
    assert revocation_event(Role.REPRESENTATIVE, is_holder=False) is EventType.REVOKED


def test_what_is_signed_to_revoke_names_mandate_role_and_reason() -> None:
    assert revocation_document("0198", Role.PRINCIPAL, None) == {
        "schema": "mandate-revocation/1",
        "mandate_id": "0198",
        "by": "principal",
        "reason": None,
    }
    assert revocation_document("0198", Role.REPRESENTATIVE, "x")["reason"] == "x"
