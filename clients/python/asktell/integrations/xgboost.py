"""XGBoost: `xgboost.train`, `xgboost.cv`, and the estimators of its scikit-learn interface."""

from __future__ import annotations

from typing import Any

from asktell.integrations.reporting import Reporter, needed

with needed("xgboost", "xgboost"):
    from xgboost import collective
    from xgboost.callback import TrainingCallback


class XGBoostCallback(Reporter, TrainingCallback):
    """Reports each round's evaluation, and stops the training when the study says so.

    The step is the number of rounds done. Metrics are named as XGBoost prints them, `{"val_loss": "validation-logloss"}`;
    those of `cv` are means over the folds. With several workers the first one that has a trial reports, and all stop together.
    """

    _reporting_rank = 0

    def before_training(self, model: Any) -> Any:
        """Finds out which worker reports: XGBoost's ranks are not those of what started the processes."""
        for rank in range(collective.get_world_size()):
            if collective.broadcast(self.trial is not None, rank):
                self._reporting_rank = rank
                break
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """A round is done; returns whether to stop."""
        logged = {
            f"{data}-{metric}": values[-1] for data, metrics in evals_log.items() for metric, values in metrics.items()
        }
        means = {name: value[0] if isinstance(value, tuple) else value for name, value in logged.items()}
        stop = collective.get_rank() == self._reporting_rank and self._report(epoch + 1, means)
        self.stopped = collective.broadcast(stop, self._reporting_rank)
        return self.stopped
