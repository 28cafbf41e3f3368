"""Keras 3, with any of its backends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asktell.integrations.reporting import Reporter, needed

with needed("keras", "keras"):
    from keras.callbacks import Callback


class KerasCallback(Reporter, Callback):
    """Reports each epoch, and stops the training when the study says so.

    The step is the number of epochs done. Metrics are named as in `History.history`: `loss`, `val_loss`.
    For one process, with any number of devices.
    """

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """An epoch is done."""
        if self._report(epoch + 1, logs or {}):
            self.model.stop_training = True

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ends an epoch whose trial has been called off."""
        if self._should_stop():
            self.model.stop_training = True
