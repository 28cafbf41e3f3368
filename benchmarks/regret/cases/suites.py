"""The cases of the suites beside the single objective's, each in two halves that share none, as there."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.regret.case import Case
from benchmarks.regret.cases import (
    architecture,
    bbob_biobj,
    bbob_constrained,
    cash,
    conditional,
    constrained,
    multi_objective,
    training,
    trees,
)

Halves = Mapping[str, tuple[Case, ...]]

OBJECTIVES: Halves = {
    "development": (
        multi_objective.zdt(1, 8),
        multi_objective.dtlz2(6, 2),
        bbob_biobj.case(1, 5),
        bbob_biobj.case(6, 5),
        training.BOOSTING_SIZE,
    ),
    "reporting": (
        multi_objective.zdt(2, 8),
        multi_objective.zdt(3, 8),
        multi_objective.dtlz2(6, 3),
        bbob_biobj.case(2, 5),
        bbob_biobj.case(4, 5),
        training.DIGITS_MLP_SIZE,
    ),
}
CONSTRAINTS: Halves = {
    "development": (
        constrained.GARDNER_1,
        constrained.HARTMANN_6,
        constrained.TENSION_COMPRESSION,
        constrained.WELDED_BEAM,
        bbob_constrained.case(1, 5),
        bbob_constrained.case(3, 5),
        training.BOOSTING_SMALL,
    ),
    "reporting": (
        constrained.GARDNER_2,
        constrained.GRAMACY,
        constrained.HARTMANN_3,
        constrained.PRESSURE_VESSEL,
        constrained.SPEED_REDUCER,
        bbob_constrained.case(2, 5),
        bbob_constrained.case(4, 5),
        training.DIGITS_MLP_SMALL,
    ),
}
CONDITIONAL: Halves = {
    "development": (trees.case(2), cash.CANCER),
    "reporting": (trees.case(3), conditional.CONDITIONAL, cash.DIGITS, architecture.ARCHITECTURE),
}
