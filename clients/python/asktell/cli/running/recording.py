"""What `asktell run` keeps of each trial's run, as annotations."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from asktell._core.record import keys
from asktell._core.record.environment import machine
from asktell._core.record.git import TIMEOUT_S, GitHangs, git_facts
from asktell._core.record.redaction import command_line, sendable
from asktell.cli.running.usage import Usage

GitFacts = Callable[[], dict[str, str]]


@dataclass(slots=True)
class Recorder:
    """Begins the record of each trial of a run.

    Attributes:
        of_run: annotations that every trial gets, over what is found out.
        git: what is asked of git; raises GitHangs, and is then not asked again in this run.
        enabled: False = nothing is found out, only what is said is kept.
    """

    of_run: Mapping[str, str] = field(default_factory=dict)
    git: GitFacts = git_facts
    enabled: bool = True
    _git_hangs: bool = False

    def begin(self, command: Sequence[str]) -> Recording:
        """The record of a trial whose command starts now: the code may change while the run goes on."""
        return Recording(self, command)

    def ask_git(self) -> dict[str, str]:
        """The commit; empty where it cannot be had."""
        if self._git_hangs:
            return {}
        try:
            return self.git()
        except GitHangs as hangs:
            self._git_hangs = True
            return hangs.known


class Recording:
    """The record of one trial. Git is asked in a thread, while the command runs."""

    def __init__(self, recorder: Recorder, command: Sequence[str]) -> None:
        self._recorder = recorder
        self._command = command
        self._git: dict[str, str] = {}
        self._asking = threading.Thread(target=self._ask_git, name="git", daemon=True)
        if recorder.enabled:
            self._asking.start()

    def _ask_git(self) -> None:
        self._git = self._recorder.ask_git()

    def annotations(self, *, exit_code: int, usage: Usage, said: Mapping[str, str]) -> dict[str, str]:
        """All of it, once the command has ended. `said`: annotations that the command itself printed; they come first."""
        found: dict[str, str] = {}
        if self._recorder.enabled:
            self._asking.join(TIMEOUT_S)  # a git that cannot even be killed holds nothing up
            found = {
                **self._git,
                **machine(),
                keys.COMMAND: command_line(self._command),
                keys.EXIT_CODE: str(exit_code),
                keys.DURATION_S: f"{usage.duration_s:.3f}",
            }
            if usage.cpu_s is not None:
                found[keys.CPU_S] = f"{usage.cpu_s:.3f}"
            if usage.peak_memory_bytes is not None:
                found[keys.PEAK_MEMORY_BYTES] = str(usage.peak_memory_bytes)
        record = {**found, **self._recorder.of_run, **said}
        return {sendable(key): sendable(value) for key, value in record.items()}
