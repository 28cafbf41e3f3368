"""Does what a client's README says, in an empty folder outside the repository.

Of its sections "Installing" and "The loop", blocks marked `sh` are run, and blocks whose first line is a comment with the
name of a file become that file; in the order in which they stand there.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import asktell

ROOT = Path(__file__).parents[2]
SECTIONS = ("Installing", "The loop")
STUDY = "lora"
BUDGET = "50"
TRIALS = 3
"""What the loop's study gets in place of BUDGET."""


@dataclass(frozen=True, slots=True)
class Step:
    """Commands to run, or what a file holds."""

    text: str
    file: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a README is followed, and what there is in place of what it names.

    `instead`: pieces of commands, and what is run in their place. `client`: what takes the place of
    `../asktell/clients/LANGUAGE`, the folder of a clone, in the rest. `seeds`: files that lie in the folder already.
    """

    client: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)
    seeds: tuple[Path, ...] = ()


def steps(language: str) -> list[Step]:
    """What the README of a client tells its reader to do. Raises ValueError for a README without it."""
    found = list(_steps((ROOT / "clients" / language / "README.md").read_text(encoding="utf-8")))
    if not any(step.file for step in found) or all(step.file for step in found):
        raise ValueError(f"clients/{language}/README.md: shows no file, or no command")
    return found


def _steps(readme: str) -> Iterator[Step]:
    for section in SECTIONS:
        text = re.search(rf"^## {section}\n(.*?)(?=^## |\Z)", readme, re.MULTILINE | re.DOTALL)
        if text is None:
            raise ValueError(f"the README has no section {section!r}")
        for kind, block in re.findall(r"^```(\S+)\n(.*?)^```$", text[1], re.MULTILINE | re.DOTALL):
            name = re.match(r"(?://|#|<!--) (\S+\.\w+)(?: -->)?\n", block)
            if name is not None:
                yield Step(block, file=name[1])
            elif kind == "sh":
                yield Step(block)


def follow_to_the_end(language: str, scratch: Path, place: Place, *, address: str) -> None:
    """Follows a README in a new folder of `scratch`, with a server at `address`, until its study is complete.

    The loop's study gets another name and a smaller budget.

    Raises:
        AssertionError: a command fails, with its output; the study is not complete; or its best trial was not shown.
    """
    name = f"{STUDY}-{language}"
    shown = _follow(language, scratch / "tuning", place, address=address, study=name)
    with asktell.Client(address) as client:
        study = client.study(name)
        assert study.state == "FINISHED", f"{language}: {study}"
        assert study.counts.succeeded == TRIALS, f"{language}: {study}"
        best = study.best_trial.name
    assert best in shown, f"{language}: the program does not show the best trial, {best}\n{shown[-6000:]}"


def _follow(language: str, folder: Path, place: Place, *, address: str, study: str) -> str:
    """Follows a README in an empty folder; returns what its commands printed."""
    folder.mkdir(parents=True)
    for seed in place.seeds:
        (folder / seed.name).write_bytes(seed.read_bytes())
    environment = {**os.environ, "ASKTELL_ADDRESS": address, **place.environment}
    output = ""
    for step in steps(language):
        if step.file is not None:
            text = step.text.replace(f'"{STUDY}"', f'"{study}"')
            file = folder / step.file
            file.parent.mkdir(exist_ok=True)
            file.write_text(re.sub(rf"\b{BUDGET}\b", str(TRIALS), text), encoding="utf-8")
            continue
        commands = step.text
        for written, meant in place.instead.items():
            commands = commands.replace(written, meant)
        commands = commands.replace(f"../asktell/clients/{language}", str(place.client))
        done = subprocess.run(
            ["bash", "-euc", commands],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        output += done.stdout
        assert done.returncode == 0, f"{language}: status {done.returncode} of\n{commands}\n{done.stdout[-6000:]}"
    return output
