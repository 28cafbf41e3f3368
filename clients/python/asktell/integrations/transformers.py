"""Hugging Face transformers: callback of its `Trainer`, and of those that derive from it (TRL, sentence-transformers)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asktell._sync.trial import Trial
from asktell.integrations.reporting import Reporter, Wanted, needed

with needed("transformers", "transformers"):
    from transformers import TrainerCallback
with needed("accelerate", "transformers"):
    from accelerate.utils import broadcast_object_list


class TransformersCallback(Reporter, TrainerCallback):
    """Reports each evaluation of a training, and stops it when the study says so.

    The step is the number of epochs done where the trainer evaluates by epochs (`eval_strategy="epoch"`), else its
    `global_step`. Of several data sets it takes the metrics from whichever has them. With several processes the first one
    reports, and all stop together.
    """

    def __init__(self, trial: Trial | None, metrics: Wanted = None, *, every: int = 1) -> None:
        """As `Reporter`. The trainer's names begin with `eval_`: `{"val_loss": "eval_loss"}`."""
        super().__init__(trial, metrics, every=every)
        self._training = False
        self._step: int | None = None
        self._logged: dict[str, Any] = {}
        self._incomplete = False

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A training begins."""
        self._training = True

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Evaluations from now on are the user's own."""
        self._training = False
        self._completed()

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Any = None, **kwargs: Any) -> None:
        """An evaluation within a training."""
        if not self._training:
            return
        step = round(state.epoch) if args.eval_strategy == "epoch" else state.global_step
        stop = state.is_world_process_zero and self._evaluated(step, metrics or {})
        if args.world_size > 1:
            (stop,) = broadcast_object_list([stop])
        if stop:
            self.stopped = control.should_training_stop = True

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Ends an epoch whose trial has been called off. Several processes hear of it at the next report, together."""
        if args.world_size == 1 and self._should_stop():
            control.should_training_stop = True

    def _evaluated(self, step: int, metrics: Mapping[str, Any]) -> bool:
        """One of several data sets, which are evaluated one after the other at the same step, may lack what another has."""
        if step != self._step:
            self._completed()
            self._step, self._logged = step, {}
        self._logged |= metrics
        one_of_several = "eval_runtime" not in metrics  # but eval_NAME_runtime
        self._incomplete = one_of_several and not self._has_all(self._logged)
        return self._should_stop() if self._incomplete else self._report(step, self._logged)

    def _completed(self) -> None:
        """Raises ValueError: the data sets of the former step are all evaluated, and a wanted metric was not among them."""
        if self._incomplete and self._step is not None:
            self._report(self._step, self._logged)
