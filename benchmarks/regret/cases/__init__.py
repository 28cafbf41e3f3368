"""The cases, in two halves that share none: settings are chosen on one and reported on the other."""

from __future__ import annotations

from benchmarks.regret.case import Case
from benchmarks.regret.cases import bbob, categorical, conditional, continuous, lora, mixed, tables, training

DEVELOPMENT: tuple[Case, ...] = (
    continuous.BRANIN_2,
    continuous.HARTMANN_6,
    continuous.LEVY_12,
    bbob.case(2, 5),
    bbob.case(8, 10),
    bbob.case(12, 5),
    bbob.case(16, 5),
    bbob.case(20, 5),
    bbob.case(22, 10),
    bbob.noisy_case(1, 5),
    tables.case("car"),
    tables.case("vehicle"),
    mixed.ACKLEY_MIXED,
    categorical.NK_8,
    categorical.NK_5,
    categorical.NK_7,
    categorical.NK_10,
    categorical.MOTIF,
    categorical.NK_MIXED,
    training.BOOSTING,
)
"""To choose settings on."""

REPORTING: tuple[Case, ...] = (
    continuous.HARTMANN_3,
    continuous.ACKLEY_20,
    bbob.case(7, 5),
    bbob.case(9, 10),
    bbob.case(17, 5),
    bbob.case(21, 10),
    bbob.noisy_case(7, 5),
    tables.case("phoneme"),
    tables.case("australian"),
    mixed.HARTMANN_MIXED,
    mixed.FUNC2C,
    categorical.NK_6,
    conditional.CONDITIONAL,
    lora.LORA,
    training.DIGITS_MLP,
)
"""To report on, and never to choose by."""

HALVES = {"development": DEVELOPMENT, "reporting": REPORTING}
