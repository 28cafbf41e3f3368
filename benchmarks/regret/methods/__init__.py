"""The competitors by name."""

from __future__ import annotations

from benchmarks.regret.methods.asktell_engine import ENGINE
from benchmarks.regret.methods.asktell_server import ASKTELL, with_staleness
from benchmarks.regret.methods.ax_client import AX
from benchmarks.regret.methods.method import Method
from benchmarks.regret.methods.optuna_samplers import CMA, GP, NSGA_II, TPE
from benchmarks.regret.methods.random_search import RANDOM

METHODS: dict[str, Method] = {method.name: method for method in (ASKTELL, ENGINE, AX, GP, TPE, CMA, NSGA_II, RANDOM)}
__all__ = ["ASKTELL", "ENGINE", "FIELD", "METHODS", "SEVERAL_OBJECTIVES", "Method", "with_staleness"]

FIELD = (ASKTELL.name, AX.name, GP.name, TPE.name, RANDOM.name)
"""The field of `make bench-regret`."""
SEVERAL_OBJECTIVES = (ASKTELL.name, AX.name, GP.name, TPE.name, NSGA_II.name, RANDOM.name)
"""Who is compared where there are several objectives."""
