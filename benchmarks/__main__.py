"""Command line: runs the sections one after another, each on a fresh server, and prints what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any, Protocol

import click
from rich.console import Console

from benchmarks import ask_latency, clean_tree, fairness, footprint, growth, memory, throughput
from benchmarks.figures import Section, targets_table
from benchmarks.machine import Machine, describe
from benchmarks.server import Server, running


class Measure(Protocol):
    """A section's entry."""

    def __call__(self, server: Server, *, quick: bool, seed: int, progress: Callable[[str], None]) -> Section: ...


SECTIONS: dict[str, Measure] = {
    "ask": ask_latency.measure,
    "cycles": throughput.measure,
    "fairness": fairness.measure,
    "memory": memory.measure,
    "growth": growth.measure,
    "footprint": footprint.measure,
}
SCRATCH = Path(__file__).resolve().parent.parent / "build"

HELP = """Measure a server on this machine: how long an ask takes with the model, how many ask+tell cycles it does without
one, whether anybody waits too long when all ask at once, whether it grows, and what a study of 100,000 trials costs. Takes
about eight minutes; leave the machine alone meanwhile, or read the load average next to each figure.

The report goes to stdout as Markdown, progress to stderr. The exit status says nothing of the targets.
"""


@click.command(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--quick", is_flag=True, help="Half a minute, and rough figures.")
@click.option(
    "--only", type=click.Choice([*SECTIONS]), multiple=True, help="This section alone; may be given several times."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of histories and studies.")
@click.option(
    "--scratch",
    type=click.Path(file_okay=False, path_type=Path),
    default=SCRATCH,
    help="Where the store keeps its data: on a real disk, for a sync costs nothing in memory. [default: build/]",
)
@click.option(
    "--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write every figure to this file."
)
@clean_tree.allow_dirty
def main(
    *, quick: bool, only: Sequence[str], seed: int, scratch: Path, json_path: Path | None, allow_dirty: bool
) -> None:
    """Runs the sections and prints the report."""
    clean_tree.require(dirty_is_fine=allow_dirty)
    console = Console(stderr=True)
    scratch.mkdir(parents=True, exist_ok=True)
    machine = describe(scratch)
    _print_head(machine, quick=quick, seed=seed)
    sections = []
    for name in only or SECTIONS:
        with console.status(f"{name}: starting a server") as status, running(scratch) as server:
            section = SECTIONS[name](server, quick=quick, seed=seed, progress=_progress(console, status.update))
        _print_section(section)
        sections.append(section)
    targets = [target for section in sections for target in section.targets]
    print(f"## Targets\n\n{targets_table(targets)}")
    if json_path is not None:
        report = {"machine": machine, "quick": quick, "seed": seed, "sections": sections}
        json_path.write_text(json.dumps(report, default=_plain, indent=1) + "\n")


def _progress(console: Console, update: Callable[[str], None]) -> Callable[[str], None]:
    """A status line on a terminal; a line each where there is none, so that a log shows it too."""
    return update if console.is_terminal else lambda message: console.print(message, highlight=False)


def _print_head(machine: Machine, *, quick: bool, seed: int) -> None:
    print("# asktell benchmarks\n")
    print(*machine.lines(), sep="\n")
    print(f"- seed: {seed}{'; quick run, rough figures' if quick else ''}\n", flush=True)


def _print_section(section: Section) -> None:
    print(f"## {section.title}\n\n{section.method}\n\n{section.table}\n", flush=True)


def _plain(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


if __name__ == "__main__":
    main()
