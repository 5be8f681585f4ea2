"""Asking together what is asked at the same time: one statement for all, no waiting for one alone."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from registry.domain.errors import RegistryError

Q = TypeVar("Q")
A = TypeVar("A")


class Coalescer(Generic[Q, A]):
    """Answers questions in batches of those that came in while earlier batches were under way.

    At most `at_once` batches of at most `most` questions run at a time. A question that comes when fewer run
    starts at once. An answer that is an error is raised to its own asker; an error raised for a batch goes
    to all of it. Where a batch fails for an unforeseen reason, each of its questions is asked alone, so that
    a bad one fails only itself. A cancelled asker leaves its neighbours undisturbed.
    """

    def __init__(
        self,
        answer_many: Callable[[Sequence[Q]], Awaitable[Sequence[A | RegistryError]]],
        *,
        at_once: int,
        most: int,
    ) -> None:
        """`answer_many` gives one answer, or one refusal, per question, in their order."""
        self._answer_many = answer_many
        self._at_once = at_once
        self._most = most
        self._waiting: deque[tuple[Q, asyncio.Future[A]]] = deque()
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, question: Q) -> A:
        """Answer one question. Raises what answering it raises."""
        future: asyncio.Future[A] = asyncio.get_running_loop().create_future()
        self._waiting.append((question, future))
        if len(self._running) < self._at_once:
            self._running.add(asyncio.create_task(self._drain()))
        return await future

    async def _drain(self) -> None:
        try:
            while self._waiting:
                size = min(self._most, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(size)]
                await self._answer([item for item in batch if not item[1].done()])
        finally:
            # Not by a callback: who asks before that ran would count on this task, which takes no more.
            self._running -= {task for task in self._running if task is asyncio.current_task()}

    async def _answer(self, batch: Sequence[tuple[Q, "asyncio.Future[A]"]]) -> None:
        if not batch:
            return
        try:
            answers = await self._answer_many([question for question, _ in batch])
            answered = list(zip(batch, answers, strict=True))
        except RegistryError as error:
            _fail(batch, error)
        except Exception as error:  # noqa: BLE001  # whatever it is goes to the askers, not to the log
            if len(batch) == 1:
                _fail(batch, error)
                return
            for item in batch:
                await self._answer([item])
        else:
            for item, answer in answered:
                if isinstance(answer, RegistryError):
                    _fail([item], answer)
                elif not item[1].done():
                    item[1].set_result(answer)


def _fail(batch: Sequence[tuple[Q, "asyncio.Future[A]"]], error: Exception) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
