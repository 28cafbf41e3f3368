"""What can be asked of the model of a study, and how.

A question is a frozen dataclass that answers itself from a `StudyModel`, in a worker process. `engine/tasks/analyse.py` takes it
there, and `service/analysis/inquiries.py` keeps the answers. Whoever has a question of their own writes such a class:

    @dataclass(frozen=True, slots=True)
    class Noise:
        metric: str

        @property
        def size(self) -> int:
            return 1

        def answer(self, model: StudyModel) -> float:
            return model.noise_deviation(self.metric)

    known = await inquiries.answer(view, Noise("loss"))     # raises TOO_FEW_RESULTS; known.value, known.result_count

Modules of questions stay free of torch and of `engine/bayes`, except for types: the server's own process imports them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from asktell_server.engine.analysis.study_model import StudyModel

V_co = TypeVar("V_co", covariant=True)


class Question(Protocol[V_co]):
    """A question to the model of a study. Equal questions, by hash too, have equal answers."""

    @property
    def size(self) -> int:
        """How many numbers or texts the question and its answer hold, about: what keeping them takes."""
        ...

    def answer(self, model: StudyModel) -> V_co:
        """What the model says. Numbers in bulk are arrays: an answer travels between processes as a pickle."""
        ...
