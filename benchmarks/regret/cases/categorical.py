"""Spaces of categories alone: NK landscapes (Kauffman & Weinberger 1989) with pair interactions."""

from __future__ import annotations

from functools import partial

import numpy as np

from asktell import Categorical
from benchmarks.regret.case import DISCRETE_FLOOR, Case, Configuration, Instance


def _instance(sites: int, letters: int, seed: int) -> Instance:
    """Every site adds a number that depends on itself and on one other site; the optimum is found by looking at all."""
    generator = np.random.default_rng(seed)
    partners = [int(generator.choice([other for other in range(sites) if other != site])) for site in range(sites)]
    tables = generator.standard_normal((sites, letters, letters))
    alphabet = [chr(ord("a") + index) for index in range(letters)]
    names = [f"site{site}" for site in range(sites)]

    def objective(configuration: Configuration) -> float:
        chosen = [alphabet.index(str(configuration[name])) for name in names]
        return sum(float(tables[site, chosen[site], chosen[partners[site]]]) for site in range(sites)) / sites

    every = np.indices((letters,) * sites).reshape(sites, -1)
    values = sum(tables[site, every[site], every[partners[site]]] for site in range(sites)) / sites
    minimiser = {name: alphabet[letter] for name, letter in zip(names, every[:, np.argmin(values)], strict=True)}
    space = {name: Categorical(alphabet) for name in names}
    return Instance(space=space, objective=objective, optimum=float(np.min(values)), minimiser=minimiser)


NK_8 = Case(name="nk-8x4", make=partial(_instance, 8, 4), floor=DISCRETE_FLOOR)
NK_6 = Case(name="nk-6x6", make=partial(_instance, 6, 6), floor=DISCRETE_FLOOR)
