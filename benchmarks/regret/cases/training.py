"""Real training with scikit-learn: validation log loss, and size. Nobody knows the optimum; the best ever seen stands in for it.

A configuration is trained once and its loss kept on disk (build/), since runs of all methods start alike.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, TypeAlias

from asktell import Categorical, Discrete, Float, Int
from asktell_server.domain.goals import Goals
from asktell_server.domain.metrics import Goal, Objective, OutcomeConstraint
from benchmarks.regret.case import DISCRETE_FLOOR, LOSS, ONE_LOSS, Case, Configuration, Instance, Space
from benchmarks.regret.score import Metrics

CACHE = Path(__file__).resolve().parents[3] / "build" / "training"
SIZE = "size"
LOG_SIZE = "log10_size"
Train: TypeAlias = Callable[[dict[str, Any]], Metrics]


def _mlp(values: dict[str, Any]) -> Metrics:
    """The size is the number of weights."""
    from sklearn.datasets import load_digits  # optional
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        hidden_layer_sizes=(values["units"],),
        activation=values["activation"],
        alpha=values["alpha"],
        learning_rate_init=values["lr"],
        batch_size=values["batch_size"],
        max_iter=8,
        random_state=0,
    )
    loss = validated(model, load_digits)
    return {LOSS: loss, SIZE: float(sum(weights.size for weights in (*model.coefs_, *model.intercepts_)))}


def _boosting(values: dict[str, Any]) -> Metrics:
    """The size is the number of nodes of all trees."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier

    model = GradientBoostingClassifier(**values, random_state=0)
    loss = validated(model, load_breast_cancer)
    return {LOSS: loss, SIZE: float(sum(tree.tree_.node_count for tree in model.estimators_.ravel()))}


def validated(model: Any, load: Callable[..., Any]) -> float:
    """Trains on one half of a data set; the log loss on the other half."""
    from sklearn.metrics import log_loss
    from sklearn.model_selection import train_test_split

    features, labels = load(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        features / features.max(axis=0).clip(1e-9), labels, test_size=0.5, random_state=0, stratify=labels
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that eight epochs do not converge is the point
        model.fit(train_x, train_y)
    return float(log_loss(test_y, model.predict_proba(test_x), labels=model.classes_))


@lru_cache
def _kept(train: Train) -> Train:
    from joblib import Memory  # comes with scikit-learn

    kept: Train = Memory(CACHE, verbose=0).cache(train)
    return kept


def trained(train: Train, space: Space, _seed: int) -> Instance:
    """The loss of a training; the same for every seed. Parameters that a configuration lacks are not given to it."""

    def objective(configuration: Configuration) -> float:
        return _kept(train)(dict(sorted(configuration.items())))[LOSS]

    return Instance.of_loss(space=space, objective=objective, optimum=None, minimiser=None)


def _traded_off(train: Train, space: Space, chance: float, largest: float, _seed: int) -> Instance:
    """Loss against size, which counts by its logarithm. References: the loss of guessing and the size of the largest model."""
    objectives = (
        Objective(metric=LOSS, goal=Goal.MINIMIZE, reference=chance),
        Objective(metric=LOG_SIZE, goal=Goal.MINIMIZE, reference=math.log10(largest)),
    )

    def evaluate(configuration: Configuration) -> Metrics:
        metrics = _kept(train)(dict(sorted(configuration.items())))
        return {LOSS: metrics[LOSS], LOG_SIZE: math.log10(metrics[SIZE])}

    return Instance(space=space, evaluate=evaluate, goals=Goals(objectives=objectives), optimum=None, minimisers=None)


def _bounded(train: Train, space: Space, chance: float, most: float, _seed: int) -> Instance:
    """The loss of models of at most this size. While none is, a run is as good as guessing."""
    bound = OutcomeConstraint(metric=SIZE, max=most)
    return Instance(
        space=space,
        evaluate=lambda configuration: _kept(train)(dict(sorted(configuration.items()))),
        goals=Goals(objectives=ONE_LOSS.objectives, outcome_constraints=(bound,)),
        optimum=None,
        minimisers=None,
        worst=chance,
    )


_MLP_SPACE: Space = {
    "units": Int(8, 128, log=True),
    "activation": Categorical(["relu", "tanh", "logistic"]),
    "alpha": Float(1e-6, 1e0, log=True),
    "lr": Float(1e-4, 1e-1, log=True),
    "batch_size": Discrete([16, 32, 64, 128, 256]),
}
_BOOSTING_SPACE: Space = {
    "n_estimators": Int(10, 100),
    "learning_rate": Float(1e-2, 1e0, log=True),
    "max_depth": Int(1, 6),
    "subsample": Float(0.3, 1.0),
    "max_features": Categorical(["sqrt", "log2"]),
    "min_samples_leaf": Int(1, 20),
}


def _case(name: str, make: Callable[[int], Instance]) -> Case:
    return Case(name=name, make=make, floor=DISCRETE_FLOOR, module="sklearn", scale_draws=100)


DIGITS_MLP = _case("digits-mlp", partial(trained, _mlp, _MLP_SPACE))
BOOSTING = _case("cancer-boosting", partial(trained, _boosting, _BOOSTING_SPACE))
DIGITS_MLP_SIZE = _case("digits-mlp-size", partial(_traded_off, _mlp, _MLP_SPACE, math.log(10), 9610))
BOOSTING_SIZE = _case("cancer-boosting-size", partial(_traded_off, _boosting, _BOOSTING_SPACE, math.log(2), 12_700))
DIGITS_MLP_SMALL = _case("digits-mlp-small", partial(_bounded, _mlp, _MLP_SPACE, math.log(10), 1500))
BOOSTING_SMALL = _case("cancer-boosting-small", partial(_bounded, _boosting, _BOOSTING_SPACE, math.log(2), 300))
