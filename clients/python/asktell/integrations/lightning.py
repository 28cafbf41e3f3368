"""Lightning: `lightning.pytorch`, or `pytorch_lightning` where that is what is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Literal

from asktell._sync.trial import Trial
from asktell.integrations.reporting import Reporter, Wanted, needed

with needed("lightning", "lightning"):
    if find_spec("lightning") is None and find_spec("pytorch_lightning") is not None:
        from pytorch_lightning import Callback
    else:
        from lightning.pytorch import Callback


class LightningCallback(Reporter, Callback):
    """Reports each validation, or each epoch of a model without one, and stops the trainer when the study says so.

    The step is the number of epochs done. With several processes the first one reports, and all stop together.
    """

    def __init__(
        self,
        trial: Trial | None,
        metrics: Wanted = None,
        *,
        every: int = 1,
        step: Literal["epoch", "global_step"] = "epoch",
    ) -> None:
        """As `Reporter`. `step`: "global_step" counts optimiser steps, for several validations in an epoch."""
        super().__init__(trial, metrics, every=every)
        if step not in {"epoch", "global_step"}:
            raise ValueError(f"step must be 'epoch' or 'global_step', got {step!r}")
        self._step = step

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """A validation within a training."""
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            self._evaluated(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """An epoch of a training that validates nothing."""
        if not trainer.enable_validation:
            self._evaluated(trainer)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        """Ends an epoch whose trial has been called off. Several processes hear of it at the next report, together."""
        if trainer.world_size == 1 and self._should_stop():
            trainer.should_stop = True

    def _evaluated(self, trainer: Any) -> None:
        step = trainer.current_epoch + 1 if self._step == "epoch" else trainer.global_step
        stop = trainer.is_global_zero and self._report(step, trainer.callback_metrics)
        if trainer.strategy.reduce_boolean_decision(stop, all=False):
            self.stopped = trainer.should_stop = True
