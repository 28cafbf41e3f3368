"""Which commit a directory's files are of. A git that is missing, fails or hangs is no error: then less is known."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from asktell._core.record import keys

TIMEOUT_S = 10.0
"""For all that is asked of git: on a network drive, or in a huge repository, it may take minutes."""

_QUIET = {
    "GIT_OPTIONAL_LOCKS": "0",  # `status` would write the index, and get in the way of the person who works there
    "GIT_TERMINAL_PROMPT": "0",
}


class GitHangs(Exception):
    """It did not answer in time. `known`: what it had said before."""

    def __init__(self, known: dict[str, str]) -> None:
        super().__init__("git did not answer in time")
        self.known = known


def git_facts(directory: Path | None = None, *, timeout_s: float = TIMEOUT_S) -> dict[str, str]:
    """The commit of the directory (default: the present one), and whether tracked files have been changed since.

    Raises:
        GitHangs: it is of no use to ask again soon.
    """
    give_up_at = time.monotonic() + timeout_s
    known: dict[str, str] = {}
    try:
        commit = _git(directory, give_up_at, "rev-parse", "--verify", "--quiet", "HEAD")
        if not commit:
            return known
        known[keys.GIT_COMMIT] = commit.strip()
        changes = _git(directory, give_up_at, "status", "--porcelain", "--untracked-files=no")
        if changes is not None:
            known[keys.GIT_DIRTY] = "true" if changes.strip() else "false"
    except subprocess.TimeoutExpired:
        raise GitHangs(known) from None
    return known


def _git(directory: Path | None, give_up_at: float, *words: str) -> str | None:
    """What it prints; None where it cannot be run or fails. Raises subprocess.TimeoutExpired."""
    try:
        done = subprocess.run(
            # A repository may name a program that watches its files; it would be started, and stay.
            ["git", "-c", "core.fsmonitor=false", *words],  # noqa: S607 # whichever git the person uses
            cwd=directory,
            env={**os.environ, **_QUIET},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=max(0.0, give_up_at - time.monotonic()),
            check=False,
        )
    except OSError:
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None
