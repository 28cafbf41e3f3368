"""An engine in this process for tests of analysis, and studies with many results."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

from asktell_server.domain.metrics import Metric
from asktell_server.domain.space import Configuration
from asktell_server.domain.trial import Result, TrialState
from asktell_server.engine.task import A, Task
from asktell_server.engine.tasks.analyse import AnalysisTask
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.service.intake import PastTrial
from tests.support.builders import NAME
from tests.unit.service.conftest import Services


class Here(WorkerPool):
    """It counts what takes a model, and answers once `free` is set."""

    def __init__(self) -> None:
        super().__init__(workers=1)
        self.asked: list[AnalysisTask[Any]] = []
        self.begun = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()

    async def answer(self, task: Task[A]) -> A:
        """See Engine."""
        if not task.needs_model():
            return await super().answer(task)
        self.asked.append(cast(AnalysisTask[Any], task))
        self.begun.set()
        await self.free.wait()
        return task.run()


async def run(services: Services, *values: float) -> None:
    """Trials with these losses."""
    for value in values:
        (trial,) = await services.ask()
        await services.tell(trial, value)


async def bring(
    services: Services, configurations: Sequence[Configuration], metrics: Callable[[Configuration], dict[str, float]]
) -> None:
    """Past results."""
    trials = [
        PastTrial(
            import_key=str(index),
            parameters=one,
            result=Result(
                state=TrialState.SUCCEEDED, metrics={name: Metric(value=value) for name, value in metrics(one).items()}
            ),
        )
        for index, one in enumerate(configurations)
    ]
    await services.intake.import_(NAME, trials, request=None)
