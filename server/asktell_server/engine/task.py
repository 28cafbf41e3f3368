"""What can be asked of the engine, whatever it is, and who answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What every answer says. `fallback_reason`: why the model has no part in it, where it should have; for the log and a counter."""

    fallback_reason: str = ""


class NoAnswer(Exception):
    """There is no answer without the model."""


A = TypeVar("A", bound=Answer)
A_co = TypeVar("A_co", bound=Answer, covariant=True)


class Task(Protocol[A_co]):
    """A question with all that its answer depends on: the same task has the same answer, in any process.

    Tasks and answers travel between processes as pickles. Workers, their pool and the services know no more of a task
    than this; each kind is one file in `engine/tasks`.
    """

    def needs_model(self) -> bool:
        """Answering takes torch, so it is work for a worker process."""
        ...

    def is_quick(self) -> bool:
        """Without a model the answer takes a millisecond or two, no matter who waits meanwhile."""
        ...

    def is_large(self) -> bool:
        """Packing it for a worker takes more than a millisecond or two."""
        ...

    def run(self) -> A_co:
        """Answers. Raises whatever goes wrong."""
        ...

    def fallback(self, reason: str) -> A_co:
        """The answer when no worker can give one, because of `reason`. Raises NoAnswer where there is none."""
        ...


class Engine(Protocol):
    """Whatever answers tasks: this process, or a pool of workers."""

    async def answer(self, task: Task[A]) -> A:
        """Answers, with the task's fallback where no worker can.

        Raises:
            ResourceExhausted: OVERLOADED, more tasks wait for a model than can be answered soon.
            NoAnswer: no worker can, and the task has no fallback.
        """
        ...


class SpareEngine(Engine, Protocol):
    """An engine that can say whether it has nothing more urgent to do."""

    async def spare(self) -> None:
        """Returns once a worker is idle and no `answer` waits for one."""
        ...

    async def answer_if_idle(self, task: Task[A]) -> A | None:
        """Answers with a worker that is idle now; None where there is none, or where it failed."""
        ...


class PatientEngine(Protocol):
    """An engine that answers when it has nothing more urgent to do."""

    async def answer_when_idle(self, task: Task[A]) -> A | None:
        """Answers as soon as a worker is idle and no `answer` waits for one; None where it failed."""
        ...
