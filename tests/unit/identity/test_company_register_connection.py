"""How the registry proves itself to a company register, over real connections on this machine."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from bankid_forge import Authority, certify, rsa_key
from company_entries import company
from factories import organisation_number
from registry.domain.errors import UnavailableError
from registry.domain.parties import Party, Scheme
from registry.identity.company_register_http import RegisterAccess, open_company_register

NOW = datetime.now(UTC)
VALID = (NOW - timedelta(days=1), NOW + timedelta(days=1))
NUMBER = organisation_number()


@dataclass
class Served:
    """A register's server: what it was sent, and by whom."""

    address: str = ""
    heads: list[str] = field(default_factory=list)
    clients: list[Any] = field(default_factory=list)


@asynccontextmanager
async def serving(context: ssl.SSLContext | None = None, *, answers: bool = True) -> AsyncIterator[Served]:
    served = Served()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
        served.clients.append(writer.get_extra_info("peercert"))
        body = json.dumps(company(NUMBER)).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        if answers:
            writer.write(head.encode() + body)
            await writer.drain()
        else:
            await reader.read()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    served.address = f"{'http' if context is None else 'https'}://127.0.0.1:{port}/register"
    try:
        yield served
    finally:
        server.close()


async def find(access: RegisterAccess) -> str | None:
    async with open_company_register(access) as register:
        assert register is not None
        entry = await register.find(Party(Scheme.SE_ORGNR, NUMBER), now=NOW)
    return None if entry is None else entry.organisation.name


async def test_a_bearer_token() -> None:
    async with serving() as served:
        assert await find(RegisterAccess(served.address, token="secret")) == "TB Bokföringsbyrå AB"
    head = served.heads[0]
    assert head.startswith(f"GET /register/organisations/se-orgnr/{NUMBER} HTTP/1.1")
    assert "Authorization: Bearer secret\r\n" in head


async def test_one_that_never_answers() -> None:
    async with serving(answers=False) as served:
        with pytest.raises(UnavailableError):
            await find(RegisterAccess(served.address, timeout=0.2))


def written(path: Path, item: Authority) -> Path:
    key = item.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(item.certificate.public_bytes(Encoding.PEM) + key)
    return path


async def test_a_client_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = NameOID.COMMON_NAME
    root = certify(
        {name: "Register CA"}, rsa_key("root"), None, valid=VALID, is_authority=True, usage=("key_cert_sign",)
    )
    usage = ("digital_signature",)
    server = certify({name: "register"}, rsa_key("bank"), root, valid=VALID, usage=usage, address="127.0.0.1")
    client = certify({name: "mandate registry"}, rsa_key("person"), root, valid=VALID, usage=usage)
    root_file = tmp_path / "root.pem"
    root_file.write_bytes(root.certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(written(tmp_path / "server.pem", server))
    context.load_verify_locations(root_file)
    context.verify_mode = ssl.CERT_REQUIRED
    certificate = written(tmp_path / "client.pem", client)
    async with serving(context) as served:
        with pytest.raises(UnavailableError):
            await find(RegisterAccess(served.address, certificate=certificate))
        monkeypatch.setenv("SSL_CERT_FILE", str(root_file))
        with pytest.raises(UnavailableError):
            await find(RegisterAccess(served.address))
        assert await find(RegisterAccess(served.address, certificate=certificate)) == "TB Bokföringsbyrå AB"
    assert served.clients[-1]["subject"] == ((("commonName", "mandate registry"),),)
