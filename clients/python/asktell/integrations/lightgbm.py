"""LightGBM: `lightgbm.train`, `lightgbm.cv`, and the estimators of its scikit-learn interface."""

from __future__ import annotations

from typing import Any

from asktell.integrations.reporting import Reporter, needed

with needed("lightgbm", "lightgbm"):
    from lightgbm.callback import EarlyStopException


class LightGBMCallback(Reporter):
    """Reports each round's evaluation, and stops the training when the study says so.

    The step is the number of rounds done. Metrics are named by data set and metric, `{"val_loss": "valid_0-l2"}`; those of
    `cv` are means over the folds. For one machine: LightGBM has no way for its machines to stop together.
    """

    order = 25  # LightGBM calls callbacks in this order: its early stopping has 30, and ends the round by an exception

    def __call__(self, env: Any) -> None:
        """A round is done. Raises EarlyStopException, with which LightGBM ends the training."""
        results = env.evaluation_result_list or []
        logged = {f"{data}-{metric}": value for data, metric, value, *_ in results}
        if self._report(env.iteration + 1, logged):
            raise EarlyStopException(env.iteration, results)
