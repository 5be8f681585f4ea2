"""The requests that benchmarks send to a registry: a token of the benchmark's client, and a verification."""

import orjson

from benchmarks.population import Pair, question
from registry.domain.callers import Scope
from registry.signing.jose import sign_compact
from registry.signing.keys import KeyRing


def access_token(keys: KeyRing, port: int, now: int, scope: str = Scope.VERIFY_OWN.value) -> str:
    """A token for the client `benchmark` of the registry on this port, good for ten minutes from `now`."""
    url = f"http://127.0.0.1:{port}"
    claims = {
        "iss": url,
        "aud": url,
        "sub": "benchmark",
        "client_id": "benchmark",
        "jti": f"{now} {scope}",
        "iat": now,
        "exp": now + 600,
        "scope": scope,
    }
    return sign_compact(orjson.dumps(claims), keys.signing[0].key, typ="at+jwt")


def verification(pair: Pair, token: str) -> bytes:
    """A whole HTTP request: may this representative act for this principal?"""
    body = question(pair)
    head = (
        f"POST /v1/verifications HTTP/1.1\r\nHost: b\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body
