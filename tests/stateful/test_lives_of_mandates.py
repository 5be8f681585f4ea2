"""Random lives of mandates, across every boundary in time, are those of a small model.

`REGISTRY_STATEFUL_STEPS` says how many steps in all; ten thousand take some minutes.
"""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acting import calling
from conftest import CloneDatabase, opened
from factories import Clock, World
from registry.signing.keys import KeyRing
from stateful.acts import Life
from stateful.cast import BEGINNING

STEPS_IN_A_LIFE = 25
LIVES = max(1, int(os.environ.get("REGISTRY_STATEFUL_STEPS", "125")) // STEPS_IN_A_LIFE)


@pytest.fixture(scope="module")
async def own_world(clone_database: CloneDatabase, keys: KeyRing):  # noqa: ANN201  # an async generator's type says less
    """A process over a database of its own, whose clock is set by the test."""
    async with opened(await clone_database()) as database:
        yield World(database, keys, Clock(BEGINNING))


@settings(
    max_examples=LIVES,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(data=st.data())
async def test_every_life_is_the_models(own_world: World, data: st.DataObject) -> None:
    own_world.clock.fixed = BEGINNING
    owner = await calling(own_world, await own_world.organisation())
    life = Life(own_world, owner, data)
    await life.begin()
    await life.live(STEPS_IN_A_LIFE)
