"""A tree of choices, each branch with parameters of its own and some that it shares; after Jenatton et al. (2017)."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np

from asktell import Categorical, Domain, Float
from benchmarks.regret.case import DISCRETE_FLOOR, Case, Configuration, Instance

SIDES = "ab"


def _instance(depth: int, seed: int) -> Instance:
    """Every leaf has a bowl of its own bottom and place, and every node below the root one that all leaves below it share.

    The parameters of a path are `turn_<path>` (the choice), `shared_<path>` and, at its end, `x_<path>`.
    """
    generator = np.random.default_rng([seed, depth])
    leaves = ["".join(path) for path in itertools.product(SIDES, repeat=depth)]
    nodes = ["".join(path) for level in range(1, depth) for path in itertools.product(SIDES, repeat=level)]
    bottoms = dict(zip(leaves, generator.permutation(np.arange(1, len(leaves) + 1) / 10), strict=True))
    places = dict(zip([*leaves, *nodes], generator.uniform(0.1, 0.9, len(leaves) + len(nodes)), strict=True))

    space: dict[str, Domain] = {"turn_": Categorical(list(SIDES))}
    for path in nodes:
        there = {f"turn_{path[:-1]}": [path[-1]]}
        space[f"shared_{path}"] = Float(0.0, 1.0, when=there)
        space[f"turn_{path}"] = Categorical(list(SIDES), when=there)
    for path in leaves:
        space[f"x_{path}"] = Float(0.0, 1.0, when={f"turn_{path[:-1]}": [path[-1]]})

    def objective(configuration: Configuration) -> float:
        path = ""
        value = 0.0
        while len(path) < depth:
            path += str(configuration[f"turn_{path}"])
            name = f"x_{path}" if len(path) == depth else f"shared_{path}"
            value += (float(configuration[name]) - float(places[path])) ** 2
        return value + float(bottoms[path])

    best = min(leaves, key=bottoms.__getitem__)
    minimiser: dict[str, float | str] = {f"x_{best}": float(places[best])}
    for level in range(depth):
        minimiser[f"turn_{best[:level]}"] = best[level]
        if level:
            minimiser[f"shared_{best[:level]}"] = float(places[best[:level]])
    return Instance.of_loss(space=space, objective=objective, optimum=float(bottoms[best]), minimiser=minimiser)


def case(depth: int) -> Case:
    """So many choices from the root to a leaf."""
    return Case(name=f"tree-{depth}", make=partial(_instance, depth), floor=DISCRETE_FLOOR)
