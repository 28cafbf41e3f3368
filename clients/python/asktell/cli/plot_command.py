"""`asktell plot`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from asktell._core.plots import load_plotting
from asktell._sync.client import Client
from asktell._sync.plots import Plots
from asktell.cli.connect import with_client

_KINDS: dict[str, Callable[[Plots, tuple[str, ...] | None], Any]] = {
    "history": lambda plots, metrics: plots.history(metrics=metrics),
    "parallel": lambda plots, metrics: plots.parallel(metrics=metrics),
    "slices": lambda plots, metrics: plots.slices(metrics=metrics),
    "curves": lambda plots, metrics: plots.curves(metrics=metrics),
}


@click.command()
@click.argument("study")
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .html page that needs no network, or a .png or .svg picture.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=click.Choice(list(_KINDS)),
    help="What to plot; may be given several times.  [default: all; curves where anything was reported]",
)
@click.option("--metric", "metrics", multiple=True, metavar="NAME", help="Metrics to plot.  [default: the objectives]")
@with_client(patient=True)
def plot(client: Client, study: str, output: Path, kinds: tuple[str, ...], metrics: tuple[str, ...]) -> None:
    """Plot a STUDY into a file; needs the extra asktell[plot].

    \b
    history   each trial's value, and the best so far
    parallel  a line for each trial across its parameters and metrics
    slices    the values over each parameter
    curves    what the trials reported, by step

    \b
    Examples:
      asktell plot lora -o lora.html
      asktell plot lora --kind history --kind slices -o lora.png
      asktell plot lora --kind curves --metric accuracy -o curves.svg
    """
    try:
        files = load_plotting("output")
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from None
    try:
        files.format_of(output)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    shown = client.study(study)
    known = [each.metric for each in shown.objectives] + [each.name for each in shown.metrics]
    for metric in metrics:
        if metric not in known:
            raise click.UsageError(f"--metric {metric}: the study has no such metric; it has {', '.join(known)}")
    wanted = dict.fromkeys(kinds or _KINDS)
    if not kinds and not any(trial.measurement_count for trial in shown.trials()):
        del wanted["curves"]
    charts = [_KINDS[kind](shown.plot, metrics or None) for kind in wanted]
    files.save(files.below_each_other(charts), output, title=f"{shown.id} - asktell")
    click.echo(f"{output}")
