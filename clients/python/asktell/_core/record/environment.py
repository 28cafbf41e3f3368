"""What a process runs on and with."""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from asktell._core.record import keys
from asktell._core.record.git import GitHangs, git_facts
from asktell._core.record.redaction import command_line
from asktell._core.values import text


def machine() -> dict[str, str]:
    """Host, operating system and Python."""
    return {
        keys.HOST: socket.gethostname(),
        keys.OS: platform.platform(),
        keys.PYTHON: platform.python_version(),
    }


def environment(
    *,
    seed: int | None = None,
    dataset: str | None = None,
    artifacts: Mapping[str, str] | None = None,
    directory: str | os.PathLike[str] | None = None,
) -> dict[str, str]:
    """What this process runs with, as annotations of a trial: `trial.tell(loss=0.3, annotations=asktell.environment(seed=1))`.

    Keys are those that `asktell run` uses: `run.git_commit`, `run.git_dirty`, `run.command` (without what looks like a secret),
    `run.host`, `run.os`, `run.python`, and of the arguments `run.seed`, `run.dataset` and `run.artifact.NAME`. What cannot be
    found out is left out; git is given 10 s.

    Args:
        seed: the seed of the training.
        dataset: what identifies the data: a name with a version, a digest, a URI.
        artifacts: URIs of what the trial made, by name; nobody opens them.
        directory: where the code lies; default: the working directory.

    Raises:
        TypeError: an argument is no text, the seed no whole number.
    """
    found = {**machine(), keys.COMMAND: command_line(sys.orig_argv)}
    try:
        found |= git_facts(None if directory is None else Path(directory))
    except GitHangs as hangs:
        found |= hangs.known
    if seed is not None:
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise TypeError(f"seed must be a whole number, got {type(seed).__name__} {seed!r:.80}")
        found[keys.SEED] = str(seed)
    if dataset is not None:
        found[keys.DATASET] = text(dataset, "dataset")
    for name, uri in (artifacts or {}).items():
        found[keys.ARTIFACT + text(name, "a key of artifacts")] = text(uri, f"artifacts[{name!r}]")
    return found
