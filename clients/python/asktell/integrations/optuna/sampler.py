"""The sampler."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.samplers._base import _process_constraints_after_trial
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from asktell._sync.client import Client
from asktell._sync.in_process import InProcessClient
from asktell.errors import FixedExhausted, StudyComplete
from asktell.integrations.optuna import problem
from asktell.integrations.optuna.problem import SUGGESTED, Dimensions
from asktell.records import Suggestions
from asktell.spaces import Domain

MAX_REPLICATES = 1000
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class AsktellSampler(BaseSampler):
    """Suggests by asktell's Bayesian optimisation, with one or up to six objectives, with and without constraints.

    Parameters that all trials have are suggested together. Parameters that only some have, and those of a first trial, come from
    `independent_sampler`. Trials that run are pending points of the model, in other processes, too; failed ones are where a failure is
    likely; pruned ones count with their last intermediate value. What an enqueued trial fixes is kept, and the rest is chosen beside it.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        client: Client | None = None,
        seed: int | None = None,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
        independent_sampler: BaseSampler | None = None,
    ) -> None:
        """With neither `address` nor `client` the engine runs in this process, which needs the package asktell-server.

        `address`: of a server, as in `Client`; one with --stateless is enough. `client`: any client, such as one with TLS or a token.
        `seed`: makes what is suggested to a single worker repeatable. `constraints_func`: as of Optuna's own samplers: gives values that
        are at most 0 where a constraint is kept; at most 16. `independent_sampler`: default RandomSampler.

        Raises:
            ValueError: both `address` and `client`.
            ModuleNotFoundError: neither, and the package asktell-server is not installed.
        """
        if address is not None and client is not None:
            raise ValueError("give either address or client")
        self._client = client or (InProcessClient() if address is None else Client(address))
        self._random = random.Random(seed)
        self._seed = self._draw()
        self._constraints_func = constraints_func
        self._independent = independent_sampler or RandomSampler(seed=seed)
        self._search_space = IntersectionSearchSpace(include_pruned=True)
        self._warm_start = b""
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the lock, which belongs to a process."""
        return {name: value for name, value in self.__dict__.items() if name != "_lock"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def reseed_rng(self) -> None:
        """Draws another seed, so that copies in several workers differ."""
        self._random = random.Random()
        self._seed = self._draw()
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that all trials so far have, and that have more than one value."""
        with self._lock:
            found = self._search_space.calculate(study)
        return {name: distribution for name, distribution in found.items() if not distribution.single()}

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """The model's suggestion for these parameters.

        Raises:
            AsktellError: the server, or the engine, refuses the problem: more than 6 objectives, 16 constraints, 100 parameters or 1,000
                choices; the server cannot be reached.
        """
        if not search_space:
            return {}
        dimensions = Dimensions({name: each for name, each in search_space.items() if not each.single()})
        space = dimensions.space()
        if not space:
            return {}
        # One ask after the other: each knows what the ones before were given.
        with self._lock:
            suggestion = self._suggest(study, trial, dimensions, space)
            if suggestion is None:
                return {}
            self._warm_start = suggestion.warm_start
            params = dimensions.decode(suggestion[0].params)
            study._storage.set_trial_system_attr(trial._trial_id, SUGGESTED, json.dumps(params))  # noqa: SLF001
        return params

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """The independent sampler's value."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """See BaseSampler."""
        self._independent.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Keeps the values of the constraints with the trial."""
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)
        self._independent.after_trial(study, trial, state, values)

    def _suggest(
        self, study: Study, trial: FrozenTrial, dimensions: Dimensions, space: Mapping[str, Domain]
    ) -> Suggestions | None:
        """None where every configuration has been tried as often as the engine can count."""
        trials = study.get_trials(deepcopy=False, states=(*ENDED, TrialState.RUNNING))
        ended = [each for each in trials if each.state in ENDED]
        running = [each for each in trials if each.state is TrialState.RUNNING and each.number != trial.number]
        names = problem.constraint_names(ended)
        request: Mapping[str, Any] = {
            "observations": problem.observations(ended, dimensions, names),
            "outcome_constraints": problem.constraints(names),
            "pending": problem.pending(running, dimensions),
            "fixed": problem.fixed(trial, dimensions),
            "seed": self._seed,
            "warm_start": self._warm_start,
        }
        for replicates in (1, MAX_REPLICATES):
            try:
                return self._client.suggest(space, problem.objectives(study), replicates=replicates, **request)
            except (StudyComplete, FixedExhausted):
                pass  # Optuna goes on where a finite space has been tried: so a configuration comes again
        return None

    def _draw(self) -> int:
        return self._random.getrandbits(53)
