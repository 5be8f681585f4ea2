"""The whole contract against the served application: valid and invalid requests of every kind.

`REGISTRY_FUZZ_EXAMPLES=1000` tries that many random requests per operation and mode, new ones each time;
by default a few, the same every time, beside all that the contract's boundaries suggest.
"""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pydantic_core
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck
from schemathesis.generation.meta import TestPhase
from sqlalchemy import text

from conftest import CloneDatabase, opened
from contract_reading import contract
from registry.demo.eid import trusted_demo_issuers
from registry.demo.loader import load_demo
from registry.identity.issuers import index_issuers
from registry.settings import Settings
from registry.signing.keys import KeyRing, save_key_ring
from served_demo import serving

ASKED_FOR = os.environ.get("REGISTRY_FUZZ_EXAMPLES")
TIMEOUT_SECONDS = 20

config = schemathesis.Config.from_dict(
    {
        "suppress-health-check": ["all"],
        "generation": {
            "max-examples": int(ASKED_FOR or 10),
            "deterministic": ASKED_FOR is None,
            "database": "none",
        },
        "checks": {"positive_data_acceptance": {"enabled": False}},
    }
    | ({} if ASKED_FOR else {"seed": 1})
)
schema = schemathesis.openapi.from_dict(contract(), config=config)


@pytest.fixture(scope="module")
async def demo_url(clone_database: CloneDatabase, keys: KeyRing) -> str:
    url = await clone_database()
    async with opened(url) as database:
        await load_demo(database, keys, index_issuers(trusted_demo_issuers()), now=datetime.now(UTC))
    return url


@pytest.fixture(scope="module")
def address(demo_url: str, keys: KeyRing, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    keys_file = tmp_path_factory.mktemp("served") / "keys.json"
    save_key_ring(keys_file, keys)
    with serving(Settings(database_url=demo_url, keys_file=keys_file, request_log=False)) as address:
        yield address


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


@pytest.fixture
def authorization(address: str, session: requests.Session) -> dict[str, str]:
    form = {"grant_type": "client_credentials", "client_id": "demo-platform", "client_secret": "demo"}
    answer = session.post(f"{address}/oauth2/token", data=form, timeout=TIMEOUT_SECONDS)
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@schema.parametrize()
def test_every_operation_keeps_to_the_contract(
    case: schemathesis.Case, address: str, session: requests.Session, authorization: dict[str, str]
) -> None:
    headers = authorization if case.operation.definition.raw["security"] else {}
    case.call_and_validate(address, session, headers=headers, timeout=TIMEOUT_SECONDS)


import collections, time
STAT = collections.defaultdict(collections.Counter)
TIME = collections.Counter()
_orig = schemathesis.Case.call
def _call(self, *a, **k):
    t=time.perf_counter()
    r = _orig(self, *a, **k)
    STAT[self.operation.label][(str(self.meta.phase.name) if self.meta else 'none', str(self.meta.generation.mode) if self.meta else '-', r.status_code)] += 1
    TIME[self.operation.label]+=time.perf_counter()-t
    return r
schemathesis.Case.call = _call

@pytest.fixture(scope="module", autouse=True)
def _report():
    yield
    with open('/tmp/stats.txt','w') as f:
        tot=0
        for label, counter in STAT.items():
            n=sum(counter.values()); tot+=n
            print(label, n, round(TIME[label],1), file=f)
            for k,v in sorted(counter.items()): print('    ',*k,v,file=f)
        print(tot,file=f)
