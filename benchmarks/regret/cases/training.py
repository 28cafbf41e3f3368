"""Real training with scikit-learn: validation log loss. Nobody knows the optimum; the best ever seen stands in for it.

A configuration is trained once and its loss kept on disk (build/), since runs of all methods start alike.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from asktell import Categorical, Discrete, Float, Int
from benchmarks.regret.case import DISCRETE_FLOOR, Case, Configuration, Instance, Space

CACHE = Path(__file__).resolve().parents[3] / "build" / "training"


def _mlp(values: dict[str, Any]) -> float:
    from sklearn.datasets import load_digits  # optional
    from sklearn.neural_network import MLPClassifier

    return _loss(
        MLPClassifier(
            hidden_layer_sizes=(values["units"],),
            activation=values["activation"],
            alpha=values["alpha"],
            learning_rate_init=values["lr"],
            batch_size=values["batch_size"],
            max_iter=8,
            random_state=0,
        ),
        load_digits,
    )


def _boosting(values: dict[str, Any]) -> float:
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import GradientBoostingClassifier

    return _loss(GradientBoostingClassifier(**values, random_state=0), load_breast_cancer)


def _loss(model: Any, load: Callable[..., Any]) -> float:
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
def _kept(train: Callable[[dict[str, Any]], float]) -> Callable[[dict[str, Any]], float]:
    from joblib import Memory  # comes with scikit-learn

    kept: Callable[[dict[str, Any]], float] = Memory(CACHE, verbose=0).cache(train)
    return kept


def _instance(train: Callable[[dict[str, Any]], float], space: Space, _seed: int) -> Instance:
    """The same for every seed."""

    def objective(configuration: Configuration) -> float:
        return _kept(train)(dict(sorted(configuration.items())))

    return Instance(space=space, objective=objective, optimum=None, minimiser=None)


DIGITS_MLP = Case(
    name="digits-mlp",
    make=partial(
        _instance,
        _mlp,
        {
            "units": Int(8, 128, log=True),
            "activation": Categorical(["relu", "tanh", "logistic"]),
            "alpha": Float(1e-6, 1e0, log=True),
            "lr": Float(1e-4, 1e-1, log=True),
            "batch_size": Discrete([16, 32, 64, 128, 256]),
        },
    ),
    floor=DISCRETE_FLOOR,
    module="sklearn",
    scale_draws=100,
)
BOOSTING = Case(
    name="cancer-boosting",
    make=partial(
        _instance,
        _boosting,
        {
            "n_estimators": Int(10, 100),
            "learning_rate": Float(1e-2, 1e0, log=True),
            "max_depth": Int(1, 6),
            "subsample": Float(0.3, 1.0),
            "max_features": Categorical(["sqrt", "log2"]),
            "min_samples_leaf": Int(1, 20),
        },
    ),
    floor=DISCRETE_FLOOR,
    module="sklearn",
    scale_draws=100,
)
