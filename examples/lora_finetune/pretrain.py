"""Pre-train the base model once and keep it: every trial starts from the same weights."""

import contextlib
import dataclasses
import fcntl
import hashlib
import os
import pathlib
import sys
import tempfile
from collections.abc import Iterator

import platformdirs
import torch

from examples.lora_finetune.data import pretraining_text
from examples.lora_finetune.model import Shape, Transformer
from examples.lora_finetune.optimize import Schedule, train_steps


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the base model is made; another recipe is another checkpoint."""

    shape: Shape = dataclasses.field(default_factory=Shape)
    schedule: Schedule = dataclasses.field(
        default_factory=lambda: Schedule(steps=900, batch_size=16, learning_rate=4e-3, warmup=0.1, seed=0)
    )


def load_base(checkpoint: pathlib.Path | None = None, recipe: Recipe | None = None) -> Transformer:
    """Return the pre-trained model: made by the first call on a machine (half a minute), read from disk after.

    `checkpoint` is the file to read, or to write if there is none; without it, one in the user's cache
    directory. Safe when many workers start at once: one trains, the others wait for its file.
    """
    recipe = recipe or Recipe()
    path = checkpoint or default_checkpoint(recipe)
    with _one_at_a_time(path):
        if not path.exists():
            print(f"pre-training the base model, once, into {path}", file=sys.stderr, flush=True)
            _write_whole(path, pretrain(recipe))
    model = Transformer(recipe.shape)
    model.load_state_dict(torch.load(path, weights_only=True))
    return model


def pretrain(recipe: Recipe) -> Transformer:
    """Train every weight of a new model on the English text; deterministic on one machine."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.schedule.seed)
        model = Transformer(recipe.shape)
    for _ in train_steps(model, model.parameters(), pretraining_text(), recipe.schedule):
        pass
    return model


def default_checkpoint(recipe: Recipe) -> pathlib.Path:
    """Where the base model is kept; its name changes with the recipe and with the text it is trained on."""
    made_from = hashlib.sha256(repr(recipe).encode())
    made_from.update(pretraining_text().to(torch.uint8).numpy().tobytes())
    name = f"base-{made_from.hexdigest()[:12]}.pt"
    return platformdirs.user_cache_path("asktell") / "lora_finetune" / name


@contextlib.contextmanager
def _one_at_a_time(path: pathlib.Path) -> Iterator[None]:
    """Hold a lock beside `path`; the kernel drops it if its holder dies."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(path.name + ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_whole(path: pathlib.Path, model: Transformer) -> None:
    """Write beside `path`, then rename, so that a reader never meets half a file."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(model.state_dict(), file)
        pathlib.Path(temporary).replace(path)
    except BaseException:
        pathlib.Path(temporary).unlink()
        raise
