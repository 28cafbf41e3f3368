"""Katib's algorithm names and settings. What users of Katib's own services write is taken, with the same limits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from asktell_server.domain.algorithm import Algorithm, Auto, Bayesian, Grid, Random, Sobol
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.space import MAX_LEVELS, SearchSpace
from asktell_server.protocols.katib.wire import api_pb2

STATE = "asktell_not_visible_yet"
"""A setting of ours, which Katib brings back with the next request: see `memory.py`."""
MOST_START = 1000

_Check = Callable[[str], None]


_MOST_DIGITS = 15
"""Of a whole number: what is longer may be beyond 2^53."""


def _whole(text: str) -> None:
    if not text.strip().isdecimal():
        raise ValueError("must be a whole number of at least 0")
    if len(text.strip()) > _MOST_DIGITS:
        raise ValueError(f"must have at most {_MOST_DIGITS} digits")


def _positive(text: str) -> None:
    if not float(text) >= 0:
        raise ValueError("must be a number of at least 0")


def _one_of(*words: str) -> _Check:
    def check(text: str) -> None:
        if text not in words:
            raise ValueError(f"must be one of {', '.join(words)}")

    return check


def _anything(_: str) -> None:
    pass


_SEED: Mapping[str, _Check] = {"random_state": _whole, STATE: _anything}
_TPE: Mapping[str, _Check] = {"n_startup_trials": _whole, "n_ei_candidates": _whole, **_SEED}
_SETTINGS: Mapping[str, Mapping[str, _Check]] = {
    "asktell": {"n_initial_points": _whole, **_SEED},
    "bayesianoptimization": {
        "base_estimator": _one_of("GP", "RF", "ET", "GBRT"),
        "n_initial_points": _whole,
        "acq_func": _one_of("gp_hedge", "LCB", "EI", "PI", "EIps", "PIps"),
        "acq_optimizer": _one_of("auto", "sampling", "lbfgs"),
        **_SEED,
    },
    "tpe": _TPE,
    "multivariate-tpe": _TPE,
    "cmaes": {"restart_strategy": _one_of("ipop", "bipop", "None", "none"), "sigma": _positive, **_SEED},
    "random": _SEED,
    "grid": _SEED,
    "sobol": _SEED,
}
_START = ("n_initial_points", "n_startup_trials")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How an experiment is searched. `seed` None = the experiment's name stands for it."""

    algorithm: Algorithm
    seed: int | None
    state: str


def search_of(spec: api_pb2.AlgorithmSpec, space: SearchSpace) -> Search:
    """The search of an algorithm's name and settings.

    Raises:
        InvalidArgument: the name, or a setting, is unknown, or a setting's value is none of those allowed.
    """
    known = _SETTINGS.get(spec.algorithm_name)
    if known is None:
        raise InvalidArgument(
            "algorithm.algorithmName", f"must be one of {', '.join(sorted(_SETTINGS))}, got {spec.algorithm_name!r}"
        )
    settings = _checked(spec, known)
    start = next((int(settings[name]) for name in _START if name in settings), 0)
    seed = settings.get("random_state")
    return Search(
        algorithm=_algorithm(spec.algorithm_name, start, space),
        seed=None if seed is None else int(seed),
        state=settings.get(STATE, ""),
    )


def _algorithm(name: str, start: int, space: SearchSpace) -> Algorithm:
    match name:
        case "grid":  # of all values, as Katib's own
            counts = {parameter.name: parameter.domain.cardinality for parameter in space.parameters}
            return Grid(
                levels={key: count for key, count in counts.items() if count is not None and count <= MAX_LEVELS}
            )
        case "sobol":
            return Sobol()
        case "random":
            # The plain sampler knows no priors. The start of Bayesian optimisation draws a quarter of its trials from them, the first ones.
            have_priors = any(parameter.prior is not None for parameter in space.parameters)
            return Bayesian(start_trials=MOST_START) if have_priors else Random()
    return Bayesian(start_trials=min(start, MOST_START)) if start else Auto()


def _checked(spec: api_pb2.AlgorithmSpec, known: Mapping[str, _Check]) -> dict[str, str]:
    settings: dict[str, str] = {}
    for setting in _last_of_each(spec.algorithm_settings):
        where = f"algorithm.algorithmSettings[{setting.name[:64]}]"
        check = known.get(setting.name)
        if check is None:
            names = ", ".join(sorted(known.keys() - {STATE}))
            raise InvalidArgument(where, f"unknown setting for algorithm {spec.algorithm_name}; there are {names}")
        try:
            check(setting.value)
        except ValueError as error:
            raise InvalidArgument(where, f"{error}, got {setting.value[:64]!r}") from None
        settings[setting.name] = setting.value
    return settings


def _last_of_each(settings: Iterable[api_pb2.AlgorithmSetting]) -> Iterable[api_pb2.AlgorithmSetting]:
    """Katib appends what comes back to what the experiment says."""
    return {setting.name: setting for setting in settings}.values()
