"""An environment of its own for what is installed as users do, without downloading again what is installed here."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from scripts.without_cuda import CUDA


def linked_environment(directory: Path, requirements: Iterable[str]) -> Path:
    """A new environment with links to what `requirements` need of what is installed here, pip, and nothing else.

    CUDA's distributions are left out. Returns its interpreter. What is not declared as required is not there, as in a
    user's own environment.
    """
    venv.create(directory, with_pip=False)
    python = directory / "bin/python"
    where = "import sysconfig; print(sysconfig.get_path('platlib'))"
    packages = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    for distribution in _closure([*requirements, "pip"]):
        for top in {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            source = Path(str(distribution.locate_file(top)))
            if top == "torch":  # torch looks for CUDA's libraries beside the folder that its own were loaded from
                _link_entries(source, packages / top, but="lib")
                _link_entries(source / "lib", packages / top / "lib")
            elif not (packages / top).exists():
                (packages / top).symlink_to(source)
    return python


def build_wheel(directory: Path, into: Path) -> Path:
    """Builds the wheel of the distribution in `directory`, with what is installed here, and returns it."""
    there = set(into.glob("*.whl"))
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)]
    built = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = set(into.glob("*.whl")) - there
    return wheel


def _closure(requirements: Iterable[str]) -> Iterable[importlib.metadata.Distribution]:
    """The installed distributions that are required, directly or not."""
    found: dict[str, importlib.metadata.Distribution] = {}
    seen: set[tuple[str, str]] = set()
    left = [Requirement(text) for text in requirements]
    while left:
        wanted = left.pop()
        name = canonicalize_name(wanted.name)
        if CUDA.match(name):
            continue
        distribution = found.setdefault(name, importlib.metadata.distribution(name))
        for extra in {"", *wanted.extras}:
            if (name, extra) not in seen:
                seen.add((name, extra))
                needed = map(Requirement, distribution.requires or ())
                left += [one for one in needed if one.marker is None or one.marker.evaluate({"extra": extra})]
    return found.values()


def _link_entries(source: Path, target: Path, *, but: str = "") -> None:
    target.mkdir()
    for entry in source.iterdir():
        if entry.name != but:
            (target / entry.name).symlink_to(entry)


def run(python: Path, *arguments: str | Path, cwd: Path | None = None) -> str:
    """Runs the interpreter of an environment as a user does: nothing of this repository is on its path.

    Returns what it printed; where it fails, all of that is in the error.
    """
    ended = subprocess.run(
        [python, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=user_environment(), cwd=cwd, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout
    return ended.stdout


def user_environment() -> dict[str, str]:
    """This process's environment without what makes Python find this repository."""
    return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "ASKTELL_TOKEN"}}
