"""Settings from the environment (prefix `REGISTRY_`), frozen; read only where a process is put together."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from registry.domain.errors import InvalidPartyIdError
from registry.domain.parties import Party
from registry.identity.schemes import parse_organisation
from registry.webhooks.addresses import Reach


def _canonical_organisation(text: str) -> str:
    try:
        return str(parse_organisation(text))
    except InvalidPartyIdError as error:
        raise ValueError(error.message) from None


LinkOwner = Annotated[str, AfterValidator(_canonical_organisation)]
LinkBase = Annotated[str, Field(pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?[^/?#\s]$")]


class Settings(BaseSettings):
    """What an operator decides. Secrets never show in a repr or a log."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_", frozen=True, extra="ignore")

    database_url: Annotated[SecretStr, Field(description="postgresql:// address of the primary")]
    migration_database_url: Annotated[
        SecretStr | None, Field(description="The same database as a login that may migrate; default as above")
    ] = None
    keys_file: Annotated[Path, Field(description="The key file made by `registry keys create`")] = Path(
        "keys.json"
    )
    keys_check_seconds: Annotated[
        float, Field(gt=0, le=60, description="How often serving processes look whether the key file changed")
    ] = 5
    public_url: Annotated[
        str,
        Field(
            pattern=r"^https?://[^/?#\s]+$",
            description="The address callers use: issuer of receipts and built-in tokens",
        ),
    ] = "http://127.0.0.1:8000"
    request_links: Annotated[
        dict[LinkOwner, LinkBase],
        Field(description="JSON: for each third party, where signers are sent; default is public_url"),
    ] = {}
    issuers_file: Annotated[
        Path | None, Field(description="JSON list of trusted issuers of access tokens, id tokens and e-ID")
    ] = None
    minaombud_file: Annotated[
        Path | None, Field(description="JSON list of clients that may ask in Mina ombud's words, for whom")
    ] = None
    company_register: Annotated[
        str | None, Field(description="The company register: a JSON file, or the https address to ask")
    ] = None
    company_register_token: Annotated[
        SecretStr | None, Field(description="Bearer token that the register at an address wants")
    ] = None
    company_register_certificate: Annotated[
        Path | None, Field(description="Client certificate that it wants, in PEM")
    ] = None
    company_register_key: Annotated[
        Path | None, Field(description="The certificate's key, where it has a file of its own")
    ] = None
    company_register_seconds: Annotated[
        float, Field(gt=0, le=30, description="How long a question to the register may take")
    ] = 5
    token_endpoint: Annotated[bool, Field(description="Whether the built-in token endpoint is on")] = True
    access_token_seconds: Annotated[int, Field(ge=60, le=300, description="Lifetime of built-in tokens")] = (
        300
    )
    pool_size: Annotated[int, Field(ge=1, le=100, description="Connections of ordinary acts")] = 8
    hot_pool_size: Annotated[int, Field(ge=1, le=100, description="Connections of verification")] = 2
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body")] = 1_048_576
    request_log: Annotated[bool, Field(description="Whether each request is logged, without its query")] = (
        True
    )
    worker_poll_seconds: Annotated[
        float,
        Field(gt=0, le=60, description="How long an event waits at most for a worker to look by itself"),
    ] = 1
    docs_client_id: Annotated[str | None, Field(description="Client that Swagger UI fills in; demo only")] = (
        None
    )
    docs_client_secret: Annotated[SecretStr | None, Field(description="Its secret; demo only")] = None
    docs_scopes: Annotated[str, Field(description="Scopes that Swagger UI ticks, one space between")] = ""
    log_origin: Annotated[
        str | None,
        Field(
            pattern=r"^[^\s+]+$",
            description="The transparency log's name for good; default is public_url's host with /log",
        ),
    ] = None
    log_witness_file: Annotated[
        Path | None,
        Field(description="Where the newest checkpoint is kept, too, so that a database put back is noticed"),
    ] = None
    webhooks_ports: Annotated[
        frozenset[int], Field(description="JSON: the ports that webhooks may go to")
    ] = frozenset({443})
    webhooks_allow_http: Annotated[
        bool, Field(description="Whether webhooks may also go to http addresses")
    ] = False
    webhooks_allow_loopback: Annotated[
        bool, Field(description="Whether webhooks may go to this machine, by any port; development only")
    ] = False
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def request_link(self, third_party: Party, request_id: UUID) -> str:
        """Where a signer is sent to sign a request towards this third party."""
        return f"{self.request_links.get(str(third_party), self.public_url)}/requests/{request_id}"

    @property
    def derived_log_origin(self) -> str:
        """What the log is called where the operator does not say: its address without the scheme."""
        return f"{self.public_url.partition('://')[2]}/log"

    @property
    def webhook_reach(self) -> Reach:
        """How far webhooks may go."""
        return Reach(self.webhooks_ports, self.webhooks_allow_http, self.webhooks_allow_loopback)

    @property
    def access_token_lifetime(self) -> timedelta:
        """How long built-in tokens are good."""
        return timedelta(seconds=self.access_token_seconds)

    def url_for_migration(self) -> str:
        """The address at which migrations run."""
        return (self.migration_database_url or self.database_url).get_secret_value()
