"""What a serving process is made of, put together once and handed to every request."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from registry.api.token_cache import TokenCache
from registry.domain.callers import Caller
from registry.identity.company_register import CompanyRegister
from registry.identity.eid_roots import EidRoots
from registry.identity.issuer_keys import StaticKeys
from registry.identity.issuers import Purpose, TrustedIssuer, TrustedIssuers, index_issuers
from registry.identity.sources import Sources
from registry.operations.authenticate import authenticate
from registry.operations.verify import Verifier
from registry.settings import Settings
from registry.signing.keys import KeyRing
from registry.storage.access_log import AccessLog
from registry.storage.database import Database


@dataclass
class Runtime:
    """The parts of a serving process. `now` is its clock; the parts made of keys change with `take_keys`.

    `register` is the company register, where one is configured.
    """

    settings: Settings
    database: Database
    now: Callable[[], datetime]
    trusted: tuple[TrustedIssuer | EidRoots, ...]
    keys: KeyRing
    register: CompanyRegister | None = None
    issuers: TrustedIssuers = field(init=False)
    tokens: TokenCache[Caller] = field(init=False)
    access_log: AccessLog = field(init=False)
    verifier: Verifier = field(init=False)

    def __post_init__(self) -> None:
        """Make the parts that depend on the keys."""
        self.take_keys(self.keys)

    def take_keys(self, keys: KeyRing) -> None:
        """Go on with these keys; what is under way finishes with the old ones."""
        self.keys = keys
        self.issuers = index_issuers([*self.trusted, *self._own_issuer(keys)])
        self.tokens = TokenCache(self._authenticate)
        self.access_log = AccessLog(self.database, keys)
        self.verifier = Verifier(self.access_log, keys, connections=self.settings.hot_pool_size)

    @property
    def sources(self) -> Sources:
        """Whom to take at their word when a mandate is made."""
        return Sources(self.issuers, self.register)

    def _own_issuer(self, keys: KeyRing) -> Iterable[TrustedIssuer]:
        if self.settings.token_endpoint:
            yield TrustedIssuer(
                issuer=self.settings.public_url,
                purpose=Purpose.ACCESS_TOKEN,
                keys=StaticKeys(keys.verification_keys()),
                audiences=frozenset({self.settings.public_url}),
                algorithms=frozenset({"ES256"}),
            )

    async def _authenticate(self, token: str, now: datetime) -> tuple[Caller, datetime]:
        return await authenticate(
            self.database, self.issuers, token, own_issuer=self.settings.public_url, now=now
        )
