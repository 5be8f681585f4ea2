"""A client of Mina ombud's API, written from its description: it checks what published clients check."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

BASE = "/dfm/formedlare/v2"
TOKEN_PATH = "/auth/realms/dfm/protocol/openid-connect/token"
FRESH = timedelta(minutes=2)
ERROR_MEMBERS = {"type", "instance", "title", "detail", "status", "timestamp", "requestId"}
HASHES = {"RS256": hashes.SHA256, "RS384": hashes.SHA384, "RS512": hashes.SHA512}

Json = dict[str, Any]


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(value: Any) -> bytes:  # noqa: ANN401  # JSON
    """RFC 8785, for what holds no numbers but whole ones."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def without_nulls(value: Any) -> Any:  # noqa: ANN401  # JSON
    """What a client that reads into objects writes again: no member without a value."""
    if isinstance(value, dict):
        return {name: without_nulls(member) for name, member in value.items() if member is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True)
class UserKey:
    """The key of an e-service that signs its users' id tokens."""

    kid: str = "user-key-1"
    bits: int = 2048
    private: rsa.RSAPrivateKey = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "private", rsa.generate_private_key(65537, self.bits))

    def public_jwk(self, **changes: str) -> Json:
        numbers = self.private.public_key().public_numbers()
        n, e = (encode(x.to_bytes((x.bit_length() + 7) // 8, "big")) for x in (numbers.n, numbers.e))
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "n": n, "e": e} | changes

    def sign(self, claims: Mapping[str, object], header: Mapping[str, object] | None = None) -> str:
        protected = {"alg": "RS256", "kid": self.kid} | dict(header or {})
        shown = {name: value for name, value in protected.items() if value is not None}
        signing_input = f"{encode(canonical(shown))}.{encode(canonical(dict(claims)))}"
        algorithm = HASHES.get(str(protected["alg"]), hashes.SHA256)()
        signature = self.private.sign(signing_input.encode(), padding.PKCS1v15(), algorithm)
        return f"{signing_input}.{encode(signature)}"


class RefusedError(Exception):
    """The service answered with an error, in the form that clients parse."""

    def __init__(self, status: int, document: Json) -> None:
        super().__init__(document["detail"])
        self.status = status
        self.document = document


@dataclass
class MinaOmbudClient:
    """What an e-service platform has integrated: asks, and believes only what is signed and fresh."""

    http: httpx.AsyncClient
    access_token: str
    service: str = "test.service-1"

    async def search_permissions(self, body: Json, id_token: str | None = None, **headers: str) -> Json:
        answer = await self.post("/sok/behorigheter", body, id_token, **headers)
        for context in answer["kontext"]:
            await self.verify(context, context["tredjeman"], context["tidpunkt"])
            assert context.keys() == {
                "tredjeman",
                "fullmaktsgivare",
                "fullmaktsgivarroll",
                "fullmaktshavare",
                "behorigheter",
                "tidpunkt",
                "_sig",
            }
            assert all(item.keys() == {"kod", "fullmakt"} for item in context["behorigheter"])
        return answer

    async def search_mandates(self, body: Json, id_token: str | None = None) -> Json:
        return await self.post("/sok/fullmakter", body, id_token)

    async def get_mandate(self, third_party: str, mandate_id: str, id_token: str | None = None) -> Json:
        answer = await self.get(f"/tredjeman/{third_party}/fullmakter/{mandate_id}", id_token)
        await self.verify(answer, third_party, answer["svarstidpunkt"])
        return answer

    async def post(self, path: str, body: Any, id_token: str | None = None, **headers: str) -> Json:  # noqa: ANN401
        sent = self._headers(id_token) | headers
        return read_answer(await self.http.post(BASE + path, json=body, headers=sent))

    async def get(self, path: str, id_token: str | None = None, **parameters: str) -> Json:
        sent = self._headers(id_token)
        return read_answer(await self.http.get(BASE + path, headers=sent, params=parameters))

    async def verify(self, signed: Json, third_party: str, made_at: str) -> None:
        """The detached signature over what is left of the answer, and that it was made just now."""
        signature = signed["_sig"]
        payload = {name: value for name, value in without_nulls(signed).items() if name != "_sig"}
        header = json.loads(decode(signature["protected"]))
        assert header.get("typ", "JWT") == "JWT"
        answer = await self.http.get(f"{BASE}/tredjeman/{third_party}/jwks")
        assert answer.headers["content-type"] in {"application/json", "application/jwk-set+json"}
        key = next(item for item in answer.json()["keys"] if item["kid"] == header["kid"])
        assert key["kty"] == "RSA"
        assert key.get("use", "sig") == "sig"
        numbers = rsa.RSAPublicNumbers(
            int.from_bytes(decode(key["e"]), "big"), int.from_bytes(decode(key["n"]), "big")
        )
        signing_input = f"{signature['protected']}.{encode(canonical(payload))}".encode()
        algorithm = HASHES[header["alg"]]()
        public = numbers.public_key()
        public.verify(decode(signature["signature"]), signing_input, padding.PKCS1v15(), algorithm)
        age = datetime.now(UTC) - datetime.fromisoformat(made_at)
        assert timedelta() <= age < FRESH

    def _headers(self, id_token: str | None) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self.access_token}", "x-service-name": self.service}
        return headers if id_token is None else headers | {"x-id-token": id_token}


def read_answer(response: httpx.Response) -> Json:
    """The answer, or RefusedError for an error in the agreed form; anything else fails."""
    assert response.headers["content-type"] == "application/json", response.text
    document: Json = response.json()
    if response.is_success:
        return document
    assert document.keys() == ERROR_MEMBERS
    assert document["status"] == response.status_code
    assert all(isinstance(document[name], str) for name in ERROR_MEMBERS - {"status"})
    datetime.fromisoformat(document["timestamp"])
    raise RefusedError(response.status_code, document)


def pseudonym(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()
