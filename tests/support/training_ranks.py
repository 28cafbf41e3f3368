"""One of two processes that train together; prints how many epochs or rounds it has trained with each framework.

`python -m tests.support.training_ranks RANK FILE ADDRESS PROJECT`: the processes meet by FILE, and the first one asks.
"""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from typing import Any

import torch
from torch import distributed

import asktell

EPOCHS = 6


def data() -> list[tuple[Any, Any]]:
    """16 points of a line."""
    x = torch.linspace(0, 1, 16).reshape(-1, 1)
    return [(each, 2 * each) for each in x]


def by_lightning(trial: asktell.Trial | None) -> int:
    """Epochs that Lightning trained."""
    import lightning.pytorch as pl

    from asktell.integrations import LightningCallback

    class Network(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.epochs = torch.nn.Linear(1, 1), 0

        def training_step(self, batch: Any, _: int) -> Any:
            return torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])

        def validation_step(self, batch: Any, _: int) -> None:
            loss = 0.1 + torch.nn.functional.mse_loss(self.layer(batch[0]), batch[1])
            self.log("val_loss", loss, sync_dist=True)

        def on_train_epoch_start(self) -> None:
            self.epochs += 1

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    batches: Any = torch.utils.data.DataLoader(data(), batch_size=4)  # type: ignore[arg-type]
    network, callback = Network(), LightningCallback(trial)
    pl.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", devices=2, strategy="ddp", callbacks=[callback], logger=False,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    ).fit(network, batches, batches)  # fmt: skip
    callback.tell()
    return network.epochs


def by_transformers(trial: asktell.Trial | None) -> int:
    """Epochs that transformers trained."""
    import transformers

    from asktell.integrations import TransformersCallback

    class Line(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)

        def forward(self, x: Any, labels: Any) -> Any:
            return {"loss": 0.1 + torch.nn.functional.mse_loss(self.layer(x), labels)}

    rows = [{"x": x, "labels": y} for x, y in data()]
    callback = TransformersCallback(trial, {"val_loss": "eval_loss"})
    arguments = transformers.TrainingArguments(
        tempfile.mkdtemp(),
        num_train_epochs=EPOCHS,
        eval_strategy="epoch",
        save_strategy="no",
        use_cpu=True,
        report_to=[],
    )
    trainer = transformers.Trainer(Line(), arguments, train_dataset=rows, eval_dataset=rows, callbacks=[callback])
    trainer.train()
    callback.tell()
    return round(trainer.state.epoch or 0)


def by_xgboost(trial: asktell.Trial | None) -> int:
    """Rounds that XGBoost boosted. Its ranks are its own: the one that has the trial need not be its first."""
    import xgboost
    from xgboost.tracker import RabitTracker

    from asktell.integrations import XGBoostCallback

    tracker: Any = None
    meeting: list[Any] = [None]
    if trial is not None:
        tracker = RabitTracker(n_workers=2, host_ip="127.0.0.1", sortby="task")
        tracker.start()
        meeting = [tracker.worker_args()]
    distributed.broadcast_object_list(meeting)
    task = "0" if trial is None else "1"
    x, y = (torch.stack(each).reshape(-1, 1).numpy() for each in zip(*data(), strict=True))
    with xgboost.collective.CommunicatorContext(**meeting[0], dmlc_task_id=task):
        rows, callback = xgboost.DMatrix(x, y), XGBoostCallback(trial, {"val_loss": "v-rmse"})
        booster = xgboost.train({}, rows, EPOCHS, evals=[(rows, "v")], callbacks=[callback], verbose_eval=False)
    callback.tell()
    if tracker is not None:
        tracker.wait_for()
    return booster.num_boosted_rounds()


def main() -> None:
    """Trains with each framework in turn."""
    warnings.simplefilter("ignore")
    rank, file, address, project = sys.argv[1:]
    os.environ.update(RANK=rank, LOCAL_RANK=rank, WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", CUDA_VISIBLE_DEVICES="")
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT="1")  # wanted, and not used: they have met by then
    distributed.init_process_group("gloo", init_method=f"file://{file}", rank=int(rank), world_size=2)
    for train in (by_lightning, by_transformers, by_xgboost):
        trial = asktell.Client(address, project=project).study("net").ask() if rank == "0" else None
        print(train.__name__, train(trial), flush=True)


if __name__ == "__main__":
    main()
