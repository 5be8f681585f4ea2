"""Who calls: a client of an organisation, with what it may do."""

from dataclasses import dataclass
from enum import StrEnum

from registry.domain.errors import MissingScopeError
from registry.domain.parties import Party


class Scope(StrEnum):
    """What an access token allows. Every operation needs exactly one of these."""

    TEMPLATES_READ = "templates:read"
    TEMPLATES_WRITE = "templates:write"
    REQUESTS_WRITE = "requests:write"
    MANDATES_ISSUE = "mandates:issue"
    MANDATES_REGISTER = "mandates:register"
    MANDATES_READ = "mandates:read"
    MANDATES_REVOKE = "mandates:revoke"
    MANDATES_USE = "mandates:use"
    MANDATES_SUSPEND = "mandates:suspend"
    MANDATES_ERASE = "mandates:erase"
    VERIFY_OWN = "verify:own"
    VERIFY_ANY = "verify:any"
    RESTRICTIONS_MANAGE = "restrictions:manage"
    APPROVALS_WRITE = "approvals:write"
    EVENTS_READ = "events:read"
    WEBHOOKS_MANAGE = "webhooks:manage"
    AUDIT_READ = "audit:read"
    REGISTRY_ADMIN = "registry:admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated client and the organisation it acts for.

    `departments` limits what it sees and makes as its organisation to what is those departments'; empty means
    no limit.
    """

    client_id: str
    organisation: Party
    scopes: frozenset[Scope]
    departments: frozenset[str] = frozenset()

    @property
    def urn(self) -> str:
        """The caller as a sealed record names it."""
        return f"urn:registry:client:{self.client_id}"

    def require(self, scope: Scope) -> None:
        """Raise MissingScopeError unless the token allows this."""
        if scope not in self.scopes:
            raise MissingScopeError(scope.value)

    @property
    def is_administrator(self) -> bool:
        """Whether it administers the registry. A client limited to departments never does."""
        return Scope.REGISTRY_ADMIN in self.scopes and not self.departments

    def may_see_department(self, department: str | None) -> bool:
        """Whether a template of this department is within the client's limit."""
        return not self.departments or department in self.departments


@dataclass(frozen=True, slots=True)
class Worker:
    """The registry itself, which records what time alone brought about."""

    @property
    def urn(self) -> str:
        """The worker as a sealed record names it."""
        return "urn:registry:worker"
