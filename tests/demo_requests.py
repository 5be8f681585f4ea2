"""Fits generated requests to the demo, so that they get past what nobody has heard of."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

import requests
import schemathesis

from contract_reading import all_operations, examples_of
from factories import Json

PARTIES: Final = (
    {"scheme": "se-orgnr", "value": "5561929323", "name": "TB Bokföringsbyrå AB"},
    {"scheme": "se-orgnr", "value": "5563813962", "name": "TB Ålyckan AB"},
    {"scheme": "se-orgnr", "value": "2120002411", "name": "Sundsvalls kommun"},
    {"scheme": "se-pnr", "value": "193504049135", "name": "Test Persson"},
    {"scheme": "se-pnr", "value": "198101052382", "name": "Jenny Svensson"},
)
SECONDS_A_TOKEN_IS_USED: Final = 120
TIMEOUT: Final = 20

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_OF_MANDATES = frozenset({"mandate_id", "ids", "parent", "supersedes", "cursor"})
_OF_TEMPLATES = frozenset({"template_id", "id"})
_OF_REQUESTS = frozenset({"request_id"})
_CHANGES_A_TEMPLATE = ("/retirement", "/publication", "/versions/{number}")


@dataclass
class Demo:
    """The served demo: its address, a session with it, and what is there to be named.

    `changing` are templates of its own, since requests that retire the demo's would leave the others little.
    """

    address: str
    session: requests.Session
    templates: list[str] = field(default_factory=list)
    restaurant: str = ""
    changing: list[str] = field(default_factory=list)
    mandates: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)
    _token: str = ""
    _token_until: float = 0

    def __post_init__(self) -> None:
        found = self._ask("GET", "/v1/templates")
        self.templates = [item["id"] for item in found["items"]]
        self.restaurant = self._ask("GET", "/v1/templates?service=oep-serveringstillstand")["items"][0]["id"]
        for _ in range(3):
            body = _example("create_a_template")
            self.changing.append(self._ask("POST", "/v1/templates", body, self._fresh_key())["id"])
        self._ask("POST", f"/v1/templates/{self.changing[0]}/versions/1/publication")
        third_party = {"third_party": {"scheme": "se-orgnr", "value": "2120002411"}, "limit": 100}
        found = self._ask("POST", "/v1/mandates/search", third_party)
        self.mandates = [item["id"] for item in found["items"]]
        asked = _example("ask_for_a_mandate") | {"template": {"id": self.restaurant, "version": 1}}
        self.requests = [
            self._ask("POST", "/v1/mandate-requests", asked, self._fresh_key())["id"] for _ in range(3)
        ]

    def authorization(self) -> dict[str, str]:
        """The header of the demo's platform, whose token lasts for five minutes."""
        if time.monotonic() > self._token_until:
            form = {"grant_type": "client_credentials", "client_id": "demo-platform", "client_secret": "demo"}
            answer = self.session.post(f"{self.address}/oauth2/token", data=form, timeout=TIMEOUT)
            self._token = answer.json()["access_token"]
            self._token_until = time.monotonic() + SECONDS_A_TOKEN_IS_USED
        return {"Authorization": f"Bearer {self._token}"}

    def fit(self, case: schemathesis.Case[Any], *, also_parties: bool) -> None:
        """Put ids that exist in the place of others; where asked, parties of the demo, too."""
        changes = case.operation.path.endswith(_CHANGES_A_TEMPLATE) and case.method != "GET"
        templates = self.changing if changes else self.templates
        for name, value in (case.path_parameters or {}).items():
            case.path_parameters[name] = self._fit_id(name, value, templates)
        case.headers.pop("Id-Token", None)
        if "wait" in (case.query or {}):
            case.query["wait"] = 0  # nothing will come
        if "Idempotency-Key" in case.headers:
            case.headers.update(self._fresh_key())
        if isinstance(case.body, dict):
            case.body = self._fit(case.body, "", also_parties=also_parties)

    def _fit(self, value: Any, name: str, *, also_parties: bool) -> Any:  # noqa: ANN401  # any JSON
        if isinstance(value, list):
            return [self._fit(item, name, also_parties=also_parties) for item in value]
        if not isinstance(value, dict):
            return self._fit_id(name, value, [self.restaurant])
        if value.get("method") == "jws" and "evidence" in value:
            return _attested(value)
        if also_parties and {"scheme", "value"} <= value.keys():
            return dict(PARTIES[len(str(value)) % len(PARTIES)])
        return {key: self._fit(item, key, also_parties=also_parties) for key, item in value.items()}

    def _fit_id(self, name: str, value: Any, templates: list[str]) -> Any:  # noqa: ANN401  # any JSON
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            return value
        for names, known in (
            (_OF_TEMPLATES, templates),
            (_OF_MANDATES, self.mandates),
            (_OF_REQUESTS, self.requests),
        ):
            if name in names:
                return known[int(value[-2:], 16) % len(known)]
        return value

    def _fresh_key(self) -> dict[str, str]:
        return {"Idempotency-Key": f"fresh-{next(self._numbers)}"}

    def _ask(
        self, method: str, path: str, body: Json | None = None, headers: dict[str, str] | None = None
    ) -> Json:
        answer = self.session.request(
            method,
            self.address + path,
            json=body,
            headers=self.authorization() | (headers or {}),
            timeout=TIMEOUT,
        )
        assert answer.ok, answer.text
        found: Json = answer.json()
        return found


def _attested(signature: Json) -> Json:
    """In the place of a signature that would have to be made over the content: a paper one."""
    return {
        "capacity": signature.get("capacity"),
        "method": "registered",
        "evidence": {"format": "statement", "data": "Signed on paper before me."},
        "signer": {"scheme": "se-pnr", "value": "198602102389", "name": "Petronella Malteskog"},
        "signed_at": (datetime.now(UTC) - timedelta(hours=1)).isoformat(),
        "registrar": {"scheme": "username", "value": "anna.andersson"},
    }


def _example(operation_id: str) -> Json:
    operation = next(item for item in all_operations() if item.id == operation_id)
    example: Json = examples_of(operation.request_media["application/json"])[0]
    return example
