"""Examples for access tokens and for the service itself."""

from registry.api.examples.parts import ISSUER, KEY_ID, Example, Json, compact_jws
from registry.api.routes.service import API_VERSION, RELEASED

_SCOPE = "templates:read mandates:read verify:own"

_CLAIMS: Json = {
    "iss": ISSUER,
    "aud": ISSUER,
    "sub": "demo-platform",
    "client_id": "demo-platform",
    "iat": 1795251600,
    "exp": 1795251900,
    "jti": "01a1ff99-e6ae-711b-a478-6f8232aa6fc0",
    "scope": _SCOPE,
}

_METRICS = """\
# HELP registry_requests_total Requests answered
# TYPE registry_requests_total counter
registry_requests_total{method="POST",route="/v1/verifications",status="200"} 1207.0
"""

EXAMPLES = {
    "get_an_access_token": Example(
        {
            "access_token": compact_jws(_CLAIMS, typ="at+jwt"),
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": _SCOPE,
        },
        {
            "grant_type": "client_credentials",
            "client_id": "demo-platform",
            "client_secret": "demo",
            "scope": _SCOPE,
        },
    ),
    "about_this_api": Example(
        {
            "api_name": "mandate-registry",
            "api_version": API_VERSION,
            "api_released": RELEASED,
            "api_documentation": f"{ISSUER}/docs",
            "api_status": "beta",
        }
    ),
    "is_the_process_alive": Example({"status": "ok"}),
    "can_the_process_serve": Example({"status": "ok"}),
    "metrics": Example(_METRICS),
    "public_keys": Example(
        {
            "keys": [
                {
                    "kty": "EC",
                    "crv": "P-256",
                    "x": "ae3pZBuut-IV53RyhjxqFREQXIvs_1e48KyHRwYZUU0",
                    "y": "GdMwxQDZzOOXHLmKhHWUQPoCwjDDib2aDYL8Ha7Op-4",
                    "kid": KEY_ID,
                    "alg": "ES256",
                    "use": "sig",
                    "nbf": 1795219200,
                }
            ]
        }
    ),
}
