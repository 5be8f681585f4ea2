"""A company register that is asked over HTTP, or read from a file: as the operator's setting says.

`GET {address}/organisations/{scheme}/{number}` answers one business, or 404.
`POST {address}/organisations/search` with `{"person": {"scheme", "value"}}` answers
`{"organisations": [...]}`, those in which the person is named: a person's identifier stands in a body, never
in an address. Businesses are written as in a file.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, Field

from registry.domain.documents import party_document
from registry.domain.errors import OperatorError, UnavailableError
from registry.domain.parties import Party, PartyType
from registry.identity.company_register import (
    CompanyDocument,
    CompanyEntry,
    CompanyRegister,
    load_file_register,
)

_log = structlog.get_logger(__name__)

_MAX_BYTES: Final = 1_048_576
_JSON: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


@dataclass(frozen=True, slots=True)
class RegisterAccess:
    """Where a register is and how the registry proves itself: by bearer token, client certificate, or both.

    `address` is a file's path, or begins with `https://` (`http://` on this machine only). `timeout` in
    seconds bounds a whole question.
    """

    address: str
    token: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    timeout: float = 5


class CompanyRegisterSettingsError(OperatorError):
    """The settings of the company register are wrong."""


class CompanyList(BaseModel):
    """Businesses, as a register answers a search."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    organisations: Annotated[list[CompanyDocument], Field(max_length=1000)]


class HttpRegister:
    """A register behind an address. The client is the caller's to close.

    Whatever else it answers than was agreed (a redirect, another organisation, too much, too late) counts as
    no answer at all: UnavailableError.
    """

    def __init__(
        self, address: str, http: httpx.AsyncClient, *, timeout: float
    ) -> None:  # bounds each question
        """Take the base address. Raises CompanyRegisterSettingsError for one that must not be used."""
        url = httpx.URL(address)
        is_local = url.host in {"localhost", "127.0.0.1", "::1"}
        if not url.host or url.scheme not in ({"https", "http"} if is_local else {"https"}) or url.query:
            raise CompanyRegisterSettingsError(
                "the company register is asked over https only, or http on this machine"
            )
        self._address = address.rstrip("/")
        self._http = http
        self._timeout = timeout

    async def find(self, party: Party, *, now: datetime) -> CompanyEntry | None:
        """What the register says of a business. Raises UnavailableError."""
        if party.type is not PartyType.ORGANISATION:
            entries = await self.list_engagements(party, now=now)
            return next((entry for entry in entries if entry.organisation.party == party), None)
        data = await self._ask("GET", f"/organisations/{party.scheme}/{party.value}")
        if data is None:
            return None
        try:
            entry = CompanyDocument.model_validate_json(data).to_entry()
        except ValueError as error:
            raise _unavailable("unreadable") from error
        if entry.organisation.party != party:
            raise _unavailable("another organisation")
        return _dated(entry, now)

    async def list_engagements(self, person: Party, *, now: datetime) -> tuple[CompanyEntry, ...]:
        """The businesses in which the register names this person. Raises UnavailableError."""
        data = await self._ask("POST", "/organisations/search", {"person": party_document(person)})
        try:
            found = CompanyList(organisations=[]) if data is None else CompanyList.model_validate_json(data)
            return tuple(_dated(item.to_entry(), now) for item in found.organisations)
        except ValueError as error:
            raise _unavailable("unreadable") from error

    async def _ask(self, method: str, path: str, body: Any = None) -> bytes | None:  # noqa: ANN401  # any JSON
        """The answer's body, None at 404."""
        try:
            async with asyncio.timeout(self._timeout):
                request = self._http.stream(
                    method, self._address + path, json=body, headers=_JSON, follow_redirects=False
                )
                async with request as response:
                    if response.status_code == httpx.codes.NOT_FOUND:
                        return None
                    if response.status_code != httpx.codes.OK:
                        raise _unavailable(f"status {response.status_code}")
                    return await _read(response)
        except (httpx.HTTPError, TimeoutError) as error:
            raise _unavailable(type(error).__name__) from error


@asynccontextmanager
async def open_company_register(access: RegisterAccess | None) -> AsyncIterator[CompanyRegister | None]:
    """Open the register that is configured; None where none is.

    Raises CompanyRegisterFileError, CompanyRegisterSettingsError.
    """
    if access is None:
        yield None
    elif "://" not in access.address:
        yield load_file_register(Path(access.address))
    else:
        headers = {} if access.token is None else {"Authorization": f"Bearer {access.token}"}
        async with httpx.AsyncClient(
            verify=_tls(access), headers=headers, timeout=access.timeout, trust_env=False
        ) as http:
            yield HttpRegister(access.address, http, timeout=access.timeout)


def _tls(access: RegisterAccess) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if access.certificate is not None:
        try:
            context.load_cert_chain(access.certificate, access.key)
        except OSError as error:
            message = "the certificate for the company register, or its key, cannot be read"
            raise CompanyRegisterSettingsError(message) from error
    return context


async def _read(response: httpx.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise _unavailable("too long")
    return bytes(body)


def _dated(entry: CompanyEntry, now: datetime) -> CompanyEntry:
    """An entry that the register does not date is as of now."""
    return replace(entry, details=replace(entry.details, retrieved_at=entry.details.retrieved_at or now))


def _unavailable(why: str) -> UnavailableError:
    _log.warning("company_register.unavailable", why=why)
    return UnavailableError("The company register cannot be asked just now: try again.")
