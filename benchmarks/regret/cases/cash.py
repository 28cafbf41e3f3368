"""Which model, and its settings, at once (CASH, Thornton et al. 2013): scikit-learn's classifiers on its data sets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from asktell import Bool, Categorical, Float, Int
from benchmarks.regret.case import DISCRETE_FLOOR, LOSS, Case, Space
from benchmarks.regret.cases.training import trained, validated
from benchmarks.regret.score import Metrics

SPACE: Space = {
    "model": Categorical(["logistic", "neighbours", "forest", "network"]),
    "c": Float(1e-3, 1e3, log=True, when={"model": ["logistic"]}),
    "neighbours": Int(1, 50, log=True, when={"model": ["neighbours"]}),
    "by_distance": Bool(when={"model": ["neighbours"]}),
    "power": Float(1.0, 4.0, when={"model": ["neighbours"]}),
    "trees": Int(5, 100, log=True, when={"model": ["forest"]}),
    "leaf": Int(1, 20, log=True, when={"model": ["forest"]}),
    "features": Float(0.05, 1.0, when={"model": ["forest"]}),
    "units": Int(4, 64, log=True, when={"model": ["network"]}),
    "solver": Categorical(["sgd", "adam"], when={"model": ["network"]}),
    "lr_sgd": Float(1e-3, 1e0, log=True, when={"solver": ["sgd"]}),
    "momentum": Float(0.0, 0.99, when={"solver": ["sgd"]}),
    "lr_adam": Float(1e-4, 1e-1, log=True, when={"solver": ["adam"]}),
}


def _model(values: Mapping[str, Any]) -> Any:
    """The classifier that the active parameters describe; what else there is makes no difference."""
    from sklearn.ensemble import RandomForestClassifier  # optional
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier

    match values["model"]:
        case "logistic":
            return LogisticRegression(C=values["c"])
        case "neighbours":
            weights = "distance" if values["by_distance"] else "uniform"
            return KNeighborsClassifier(values["neighbours"], weights=weights, p=values["power"])
        case "forest":
            return RandomForestClassifier(
                values["trees"], min_samples_leaf=values["leaf"], max_features=values["features"], random_state=0
            )
    rate = {"learning_rate_init": values[f"lr_{values['solver']}"]}
    extra = {"momentum": values["momentum"]} if values["solver"] == "sgd" else {}
    return MLPClassifier((values["units"],), solver=values["solver"], max_iter=20, random_state=0, **rate, **extra)


def _cancer(values: dict[str, Any]) -> Metrics:
    from sklearn.datasets import load_breast_cancer

    return {LOSS: validated(_model(values), load_breast_cancer)}


def _digits(values: dict[str, Any]) -> Metrics:
    from sklearn.datasets import load_digits

    return {LOSS: validated(_model(values), load_digits)}


def _case(name: str, train: Callable[[dict[str, Any]], Metrics]) -> Case:
    return Case(name=name, make=partial(trained, train, SPACE), floor=DISCRETE_FLOOR, module="sklearn", scale_draws=100)


CANCER = _case("cash-cancer", _cancer)
DIGITS = _case("cash-digits", _digits)
