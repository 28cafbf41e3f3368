"""The agreed keys of a trial's record. All values are texts; docs/record.md says what each means."""

from __future__ import annotations

GIT_COMMIT = "run.git_commit"
GIT_DIRTY = "run.git_dirty"
COMMAND = "run.command"
EXIT_CODE = "run.exit_code"
DURATION_S = "run.duration_s"
CPU_S = "run.cpu_s"
PEAK_MEMORY_BYTES = "run.peak_memory_bytes"
HOST = "run.host"
OS = "run.os"
PYTHON = "run.python"
SEED = "run.seed"
DATASET = "run.dataset"
ARTIFACT = "run.artifact."
"""Before the name of an artifact; the value is its URI."""
