"""Which result is the best one when noise is taken off, and is there any noise?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from asktell_server.domain.fidelity import target_of
from asktell_server.domain.space import Key
from asktell_server.engine.history import History
from asktell_server.engine.observations import Outcome
from asktell_server.engine.problem import StudyTask
from asktell_server.engine.task import Answer, NoAnswer

MIN_EVIDENCE = 3.0
"""Log likelihood ratio (nats) from which on results count as noisy: twenty to one. Exact smooth functions have 0.0."""
_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment(Answer):
    """What a model makes of a history, in the objective's unit.

    Attributes:
        best: which observation has the best posterior mean.
        mean: that mean, of the objective without noise. `standard_deviation` is how uncertain it is.
        noise: standard deviation of one result, beyond standard errors that were told.
        noisy: results differ from run to run, so that the best one may have been lucky.
    """

    best: int
    mean: float
    standard_deviation: float
    noise: float
    noisy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessTask(StudyTask):
    """Asks what a model makes of a history of one objective; at least one observation has a value and keeps the outcome
    constraints, and runs the whole where there is a fidelity. Pending trials play no part.

    Results are noisy where standard errors have been told; where a configuration that was tried several times gave
    different values (and not where all such gave the same ones); otherwise where a model with noise explains them much
    better than one without.
    """

    def needs_model(self) -> bool:
        """See Task."""
        return True

    def is_quick(self) -> bool:
        """See Task."""
        return False

    def run(self) -> Assessment:
        """The observation with the best posterior mean, and the noise.

        Raises:
            Exception: any: no task should, but matrices can.
        """
        # Imported here: the server's own process makes such tasks and must stay free of torch.
        from asktell_server.engine.bayes.feasibility import feasible_rows
        from asktell_server.engine.bayes.modelled import modelled
        from asktell_server.engine.bayes.noise import noise_evidence
        from asktell_server.engine.bayes.threads import one_thread
        from asktell_server.engine.bayes.training import ModelError

        with one_thread():
            model = modelled(self)
            objective = model.metrics[0]
            targets, process = objective.targets, objective.process
            # A trial that was stopped may be good and has not shown it: it is the best only where no trial came to its end.
            kept = feasible_rows(self.problem.goals, self.history)[targets.rows]
            if (fidelity := self.problem.space.fidelity) is not None:  # what it is the best of is compared there
                kept = kept & self.history.having(fidelity.name, target_of(fidelity))[targets.rows]
            choices = (targets.reached & kept, targets.valued & kept, targets.valued)
            rows = targets.rows[next(chosen for chosen in choices if chosen.any())]
            points = model.region.encoding.encode_keys([self.history.keys[place] for place in rows])
            parts = [process.moments(points[start : start + _CHUNK]) for start in range(0, len(rows), _CHUNK)]
            means, variances = (np.concatenate(moments) for moments in zip(*parts, strict=True))
            best = int(np.argmin(means))
            mean = targets.mean(float(means[best]))
            deviation = targets.standard_deviation(math.sqrt(max(0.0, float(variances[best]))))
            if not (math.isfinite(mean) and math.isfinite(deviation)):
                raise ModelError(f"the model's best has mean {mean} and deviation {deviation}")
            noisy = _says_itself(self.history)
            if noisy is None:
                noisy = noise_evidence(objective.fitted_to, process.hyperparameters) >= MIN_EVIDENCE
            return Assessment(
                best=int(rows[best]),
                mean=mean,
                standard_deviation=deviation,
                noise=targets.standard_deviation(math.sqrt(process.noise)),
                noisy=noisy,
            )

    def fallback(self, reason: str) -> Assessment:
        """Raises NoAnswer: without a model nothing is said."""
        raise NoAnswer(reason)


def _says_itself(history: History) -> bool | None:
    """Whether results are noisy, without a model: None where no errors are told and none has been tried twice."""
    valued = history.mask(Outcome.VALUE) & ~history.expected
    if (history.standard_errors[valued, 0] > 0).any():
        return True
    values: dict[Key, list[float]] = {}
    for key, value, counts in zip(history.keys, history.values[:, 0].tolist(), valued, strict=True):
        if counts:
            values.setdefault(key, []).append(value)
    replicates = [several for several in values.values() if len(several) > 1]
    return any(len(set(several)) > 1 for several in replicates) if replicates else None
