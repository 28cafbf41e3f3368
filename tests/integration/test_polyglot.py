"""The demonstration of all languages at once, with a small budget."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from examples.polyglot import LANGUAGES, ROOT

TRIALS = 21  # three for each of seven languages


@pytest.mark.slow
@pytest.mark.timeout(900)  # it may have to build them first
@pytest.mark.xdist_group("conformance")  # which builds the same clients
def test_one_study_for_workers_of_every_language() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "examples.polyglot", "--trials", str(TRIALS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    done = {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+) trials$", demo.stdout, re.MULTILINE)}
    skipped = set(re.findall(r"^(\w+): skipped: .+$", demo.stdout, re.MULTILINE))
    assert set(done) | skipped == {language.name for language in LANGUAGES}
    assert {"python", "bash"} <= set(done)
    assert sum(done.values()) == TRIALS
    assert all(done.values())
    assert f"{TRIALS} trials, {TRIALS} different configurations: none was run twice" in demo.stdout
    assert re.search(r"^best: trial \d+, by \w+: val_loss \d", demo.stdout, re.MULTILINE)
