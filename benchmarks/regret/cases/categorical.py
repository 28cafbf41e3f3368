"""Spaces of categories, alone or nearly so: NK landscapes (Kauffman & Weinberger 1989) with pair interactions, and motifs.

The optimum is found by looking at all configurations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import numpy.typing as npt

from asktell import Categorical, Float
from benchmarks.regret.case import DISCRETE_FLOOR, LOSS, Case, Configuration, Instance, Space

Vector = npt.NDArray[np.float64]
Letters = npt.NDArray[np.int64]

_ALPHABET = [chr(ord("a") + index) for index in range(26)]


def _instance(sites: int, letters: int, seed: int | Sequence[int]) -> Instance:
    """Every site adds a number that depends on itself and on one other site."""
    generator = np.random.default_rng(seed)
    partners = [int(generator.choice([other for other in range(sites) if other != site])) for site in range(sites)]
    tables = generator.standard_normal((sites, letters, letters))

    def value(chosen: Letters) -> Vector:
        return sum(tables[site, chosen[site], chosen[partners[site]]] for site in range(sites)) / sites

    return _categorical(sites, letters, value)


def _fresh(sites: int, letters: int, seed: int) -> Instance:
    """The same with random numbers that no other size has."""
    return _instance(sites, letters, [seed, sites, letters])


def _motif(sites: int, letters: int, pairs: int, seed: int) -> Instance:
    """Each site has one best letter, and sites count unequally; some pairs of sites interact as well."""
    generator = np.random.default_rng([seed, sites, letters, pairs])
    best = generator.integers(letters, size=sites)
    weights = 0.7 ** generator.permutation(sites)
    linked = [generator.choice(sites, size=2, replace=False) for _ in range(pairs)]
    tables = 0.3 * generator.standard_normal((pairs, letters, letters))

    def value(chosen: Letters) -> Vector:
        wrong = np.tensordot(weights, chosen != best.reshape(-1, *[1] * (chosen.ndim - 1)), axes=1)
        return np.asarray(
            wrong + sum(table[chosen[one], chosen[other]] for table, (one, other) in zip(tables, linked, strict=True))
        )

    return _categorical(sites, letters, value)


def _with_numbers(sites: int, letters: int, numbers: int, seed: int) -> Instance:
    """An NK landscape and numbers: where each of those is best depends on the letter of one site."""
    landscape = _fresh(sites, letters, seed)
    assert landscape.minimisers is not None
    letters_best = landscape.minimisers[0]
    generator = np.random.default_rng([seed, sites, letters, numbers])
    places = generator.uniform(0.1, 0.9, (numbers, letters))
    owners = generator.integers(sites, size=numbers)
    names = [f"x{number}" for number in range(numbers)]

    def best(configuration: Configuration) -> Mapping[str, float]:
        letter = [_ALPHABET.index(str(configuration[f"site{owner}"])) for owner in owners]
        return {name: float(places[number, letter[number]]) for number, name in enumerate(names)}

    def objective(configuration: Configuration) -> float:
        elsewhere = sum((float(configuration[name]) - place) ** 2 for name, place in best(configuration).items())
        return landscape.evaluate(configuration)[LOSS] + elsewhere

    space: Space = {**landscape.space, **{name: Float(0.0, 1.0) for name in names}}
    minimiser = {**letters_best, **best(letters_best)}
    return Instance.of_loss(space=space, objective=objective, optimum=landscape.optimum, minimiser=minimiser)


def _categorical(sites: int, letters: int, value: Callable[[Letters], Vector]) -> Instance:
    """`value` is given letters along its first axis, one for each site."""
    alphabet = _ALPHABET[:letters]
    names = [f"site{site}" for site in range(sites)]

    def objective(configuration: Configuration) -> float:
        return float(value(np.array([alphabet.index(str(configuration[name])) for name in names])))

    every = np.indices((letters,) * sites).reshape(sites, -1)
    values = value(every)
    minimiser = {name: alphabet[letter] for name, letter in zip(names, every[:, np.argmin(values)], strict=True)}
    space = {name: Categorical(alphabet) for name in names}
    return Instance.of_loss(space=space, objective=objective, optimum=float(np.min(values)), minimiser=minimiser)


NK_8 = Case(name="nk-8x4", make=partial(_instance, 8, 4), floor=DISCRETE_FLOOR)
NK_6 = Case(name="nk-6x6", make=partial(_instance, 6, 6), floor=DISCRETE_FLOOR)
NK_5 = Case(name="nk-5x8", make=partial(_fresh, 5, 8), floor=DISCRETE_FLOOR)
NK_7 = Case(name="nk-7x5", make=partial(_fresh, 7, 5), floor=DISCRETE_FLOOR)
NK_10 = Case(name="nk-10x3", make=partial(_fresh, 10, 3), floor=DISCRETE_FLOOR)
MOTIF = Case(name="motif-7x5", make=partial(_motif, 7, 5, 3), floor=DISCRETE_FLOOR)
NK_MIXED = Case(name="nk-5x5-floats", make=partial(_with_numbers, 5, 5, 2), floor=DISCRETE_FLOOR)
