"""What does the model of a study say to a question?"""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass
from typing import Generic, TypeVar

from asktell_server.engine.analysis.question import Question
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.task import Answer, NoAnswer

log = logging.getLogger(__name__)

V = TypeVar("V")

_LARGE = 10_000
"""Numbers and texts of a question that are packed within a millisecond or two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysed(Answer, Generic[V]):
    """What the model says.

    Attributes:
        hyperparameters: what was fitted: with it, further questions about the same results are answered without a fit.
        result_count: how many results with values the model knows.
    """

    value: V
    hyperparameters: bytes
    result_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisTask(StudyTask, Generic[V]):
    """Asks the model of a history; at least one observation has a value. Pending trials play no part.

    `fitted`: the hyperparameters that an earlier answer about the very same history came with; empty = to be fitted.
    """

    question: Question[V]
    fitted: bytes = b""

    def needs_model(self) -> bool:
        """See Task."""
        return True

    def is_quick(self) -> bool:
        """See Task."""
        return False

    def is_large(self) -> bool:
        """See Task."""
        return StudyTask.is_large(self) or self.question.size > _LARGE

    def run(self) -> Analysed[V]:
        """The answer; after a fresh fit where the warm one fails.

        Raises:
            Exception: any: no task should, but matrices can.
        """
        # Imported here: the server's own process makes such tasks and must stay free of torch.
        from asktell_server.engine.bayes.threads import one_thread

        with one_thread():
            try:
                return _analysed(self)
            except Exception:
                if not (self.warm_start or self.fitted):
                    raise
                log.warning("the model failed from its warm start; again from a cold one", exc_info=True)
                return _analysed(dataclasses.replace(self, warm_start=b"", fitted=b""))

    def fallback(self, reason: str) -> Analysed[V]:
        """Raises NoAnswer: without a model nothing is said."""
        raise NoAnswer(reason)


def _analysed(task: AnalysisTask[V]) -> Analysed[V]:
    from asktell_server.engine.analysis.study_model import StudyModel

    model = StudyModel(task, fitted=task.fitted)
    return Analysed(
        value=task.question.answer(model),
        hyperparameters=model.hyperparameters,
        result_count=model.result_count,
    )
