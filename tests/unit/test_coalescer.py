"""The coalescer: asks together what is asked at the same time, and harms nobody by it."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.errors import RegistryError, UnavailableError
from registry.operations.coalesce import Coalescer


class Backend:
    """Answers with the double, noting each batch; holds its answers while `gate` is closed."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def answer(self, questions: Sequence[int]) -> list[int | RegistryError]:
        self.batches.append(list(questions))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
            if 13 in questions:
                raise ValueError("thirteen")
            if 99 in questions:
                raise UnavailableError("the whole batch")
            return [UnavailableError("only this one") if item == 7 else item * 2 for item in questions]
        finally:
            self.running -= 1


async def settle() -> None:
    """Let everything that can run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_a_lone_question_is_asked_at_once() -> None:
    backend = Backend()
    assert await Coalescer(backend.answer, at_once=1, most=8).ask(21) == 42
    assert backend.batches == [[21]]


@pytest.mark.parametrize("at_once", [1, 2, 4])
async def test_one_asker_can_ask_again_and_again(at_once: int) -> None:
    coalescer = Coalescer(Backend().answer, at_once=at_once, most=8)
    async with asyncio.timeout(5):
        for number in range(20, 60):
            assert await coalescer.ask(number) == number * 2


async def test_what_comes_while_a_batch_is_under_way_goes_together_in_order() -> None:
    backend = Backend()
    backend.gate.clear()
    coalescer = Coalescer(backend.answer, at_once=1, most=4)
    first = asyncio.create_task(coalescer.ask(1))
    await settle()
    rest = [asyncio.create_task(coalescer.ask(number)) for number in (2, 3, 4, 5, 6, 8)]
    await settle()
    backend.gate.set()
    assert await asyncio.gather(first, *rest) == [2, 4, 6, 8, 10, 12, 16]
    assert backend.batches == [[1], [2, 3, 4, 5], [6, 8]]


async def test_no_more_batches_run_than_allowed_and_no_fewer() -> None:
    backend = Backend()
    backend.gate.clear()
    coalescer = Coalescer(backend.answer, at_once=3, most=1)
    tasks = [asyncio.create_task(coalescer.ask(number)) for number in range(20, 40)]
    await settle()
    assert backend.running == 3
    backend.gate.set()
    assert await asyncio.gather(*tasks) == [number * 2 for number in range(20, 40)]
    assert backend.most_running == 3


async def test_an_unforeseen_failure_strikes_only_the_question_behind_it() -> None:
    backend = Backend()
    coalescer = Coalescer(backend.answer, at_once=1, most=8)
    answers = await asyncio.gather(*(coalescer.ask(item) for item in (1, 13, 2)), return_exceptions=True)
    assert answers[0] == 2
    assert isinstance(answers[1], ValueError)
    assert answers[2] == 4
    assert backend.batches == [[1, 13, 2], [1], [13], [2]]


async def test_a_refusal_of_one_question_is_its_own() -> None:
    backend = Backend()
    coalescer = Coalescer(backend.answer, at_once=1, most=8)
    answers = await asyncio.gather(*(coalescer.ask(item) for item in (1, 7, 2)), return_exceptions=True)
    assert [answers[0], answers[2]] == [2, 4]
    assert isinstance(answers[1], UnavailableError)
    assert backend.batches == [[1, 7, 2]]


async def test_an_outage_is_told_to_all_without_asking_each_alone() -> None:
    backend = Backend()
    coalescer = Coalescer(backend.answer, at_once=1, most=8)
    answers = await asyncio.gather(*(coalescer.ask(item) for item in (1, 99, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [UnavailableError] * 3
    assert backend.batches == [[1, 99, 2]]
    assert await coalescer.ask(5) == 10


async def test_too_few_answers_fail_and_leave_nobody_waiting() -> None:
    async def forgetful(questions: Sequence[int]) -> list[int]:
        return list(questions)[1:]

    coalescer = Coalescer(forgetful, at_once=1, most=8)
    async with asyncio.timeout(5):
        answers = await asyncio.gather(coalescer.ask(1), coalescer.ask(2), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ValueError, ValueError]


@pytest.mark.parametrize("is_under_way", [True, False])
async def test_a_cancelled_asker_leaves_its_neighbours_undisturbed(is_under_way: bool) -> None:  # noqa: FBT001  # a case
    backend = Backend()
    backend.gate.clear()
    coalescer = Coalescer(backend.answer, at_once=1, most=8)
    if not is_under_way:
        blocker = asyncio.create_task(coalescer.ask(50))
        await settle()
    tasks = [asyncio.create_task(coalescer.ask(number)) for number in (1, 2, 3)]
    await settle()
    tasks[1].cancel()
    await settle()
    backend.gate.set()
    assert await tasks[0] == 2
    assert await tasks[2] == 6
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    if not is_under_way:
        assert await blocker == 100
        assert backend.batches == [[50], [1, 3]]
    assert await coalescer.ask(4) == 8


async def test_when_all_askers_of_a_batch_are_gone_the_next_are_answered() -> None:
    backend = Backend()
    backend.gate.clear()
    coalescer = Coalescer(backend.answer, at_once=1, most=2)
    blocker = asyncio.create_task(coalescer.ask(50))
    await settle()
    gone = [asyncio.create_task(coalescer.ask(number)) for number in (1, 2)]
    await settle()
    for task in gone:
        task.cancel()
    stays = asyncio.create_task(coalescer.ask(3))
    await settle()
    backend.gate.set()
    assert [await blocker, await stays] == [100, 6]
    assert backend.batches == [[50], [3]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(20, 90), st.integers(0, 3)), max_size=40),
    st.integers(1, 4),
    st.integers(1, 5),
)
def test_everybody_gets_their_own_answer(asked: list[tuple[int, int]], at_once: int, most: int) -> None:
    async def ask_later(coalescer: Coalescer[int, int], number: int, pauses: int) -> int:
        for _ in range(pauses):
            await asyncio.sleep(0)
        return await coalescer.ask(number) + await coalescer.ask(number + 1)

    async def run() -> None:
        backend = Backend()
        coalescer = Coalescer(backend.answer, at_once=at_once, most=most)
        async with asyncio.timeout(10):
            answers = await asyncio.gather(*(ask_later(coalescer, *item) for item in asked))
        assert answers == [number * 4 + 2 for number, _ in asked]
        assert all(len(batch) <= most for batch in backend.batches)
        assert backend.most_running <= at_once

    asyncio.run(run())
