"""Two text domains that ship with Python, as tensors of character codes.

Pre-training reads the language reference in English (``pydoc_data.topics``); fine-tuning reads the
source of the standard library. No download, the same text for everybody on one Python version.
"""

import dataclasses
import pathlib
import sysconfig
from collections.abc import Iterable, Iterator
from pydoc_data import topics

import torch

VOCABULARY = 128
"""One token per ASCII character; any other character becomes ``?``."""

CONTEXT = 64
"""Characters that the model sees at once."""


VALIDATION = (
    "ast",
    "calendar",
    "csv",
    "difflib",
    "doctest",
    "getpass",
    "mimetypes",
    "random",
    "ssl",
    "trace",
)
TEST = (
    "bisect",
    "dataclasses",
    "fractions",
    "hashlib",
    "heapq",
    "linecache",
    "secrets",
    "socket",
    "statistics",
)
"""Modules that are held out, by name: the splits stay the same when a Python version adds or drops a module,
and modules with a near-copy in the library (ntpath and posixpath, say) stay out of them."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Splits:
    """Three texts that share no file: character codes, int64, shape (characters,)."""

    train: torch.Tensor
    validation: torch.Tensor
    test: torch.Tensor


def pretraining_text() -> torch.Tensor:
    """English prose: Python's language reference. Character codes, int64, shape (characters,)."""
    return _codes(topics.topics[name] for name in sorted(topics.topics))


def finetuning_text() -> Splits:
    """Python code: the public top-level modules of the standard library, split by file.

    Raises:
        FileNotFoundError: this Python was installed without the source of its library.
    """
    library = pathlib.Path(sysconfig.get_path("stdlib"))
    held_out = {*VALIDATION, *TEST}
    train = sorted(file.stem for file in library.glob("[a-z]*.py") if file.stem not in held_out)

    def read(modules: Iterable[str]) -> torch.Tensor:
        return _codes((library / f"{module}.py").read_text(encoding="utf-8") for module in modules)

    return Splits(train=read(train), validation=read(VALIDATION), test=read(TEST))


def training_batches(text: torch.Tensor, *, batch_size: int, batches: int, seed: int) -> Iterator[torch.Tensor]:
    """Random windows of `text`, each of shape (batch_size, CONTEXT + 1): inputs and the next characters."""
    generator = torch.Generator().manual_seed(seed)
    windows = text.unfold(0, CONTEXT + 1, 1)
    for _ in range(batches):
        yield windows[torch.randint(len(windows), (batch_size,), generator=generator)]


def evaluation_windows(text: torch.Tensor, count: int) -> torch.Tensor:
    """`count` windows spread evenly over `text`: the same ones for every trial, so that trials compare."""
    starts = torch.linspace(0, len(text) - CONTEXT - 1, count).long()
    return text.unfold(0, CONTEXT + 1, 1)[starts]


def _codes(documents: Iterable[str]) -> torch.Tensor:
    text = "\n".join(documents).encode("ascii", "replace")
    return torch.frombuffer(bytearray(text), dtype=torch.uint8).long()
