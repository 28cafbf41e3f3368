"""Command line of the timings."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
from rich.console import Console

from benchmarks import clean_tree, document
from benchmarks.latency.measure import measure
from benchmarks.latency.report import report
from benchmarks.latency.subjects import KINDS
from benchmarks.machine import PACKAGES, describe
from benchmarks.regret import plan

COUNTS = (20, 100, 300, 1000, 10_000)
PEERS = ("ax-platform", "optuna")
SCRATCH = Path(__file__).resolve().parents[2] / "build"

HELP = """Time one ask of asktell, Optuna's GP and Ax after 20 to 1,000 results (asktell: to 10,000), side by side.

Takes some minutes, of which Ax at 1,000 results takes most. The exit status says nothing of the targets.
"""


@click.command(help=HELP, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--quick", is_flag=True, help="Two asks each: rough figures.")
@click.option("--only", type=click.Choice([kind.name for kind in KINDS]), multiple=True, help="This one; repeatable.")
@click.option(
    "--n", "counts", type=click.Choice([str(n) for n in COUNTS]), multiple=True, help="This length; repeatable."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the history and the methods.")
@click.option("--write", type=click.Path(dir_okay=False, path_type=Path), help="Put the report into this page too.")
@clean_tree.allow_dirty
def main(
    *, quick: bool, only: Sequence[str], counts: Sequence[str], seed: int, write: Path | None, allow_dirty: bool
) -> None:
    """Measures and prints."""
    clean_tree.require(dirty_is_fine=allow_dirty)
    say = partial(Console(stderr=True).print, highlight=False, markup=False)
    SCRATCH.mkdir(exist_ok=True)
    kinds = plan.available([kind for kind in KINDS if not only or kind.name in only], say)
    chosen = [int(count) for count in counts] or COUNTS
    plan.single_thread()
    present = [name for name in PEERS if plan.installed({"ax-platform": "ax"}.get(name, name))]
    machine = describe(SCRATCH, packages=(*PACKAGES, *present))
    timings = list(measure(kinds, chosen, scratch=SCRATCH, seed=seed, quick=quick, say=say))
    lines = [*machine.lines(), f"- seed: {seed}{'; quick run, rough figures' if quick else ''}"]
    text = "\n\n".join(["\n".join(lines), report(timings)])
    print(text)
    if write is not None:
        document.write(write, "latency", text)


if __name__ == "__main__":
    main()
