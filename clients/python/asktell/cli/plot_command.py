"""`asktell plot`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from asktell._core.plots import load_plotting
from asktell._core.study_view import names_of
from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.cli.connect import with_client
from asktell.errors import TrialNotFound
from asktell.records import Measurement

_MODULES: Mapping[str, Literal["charts", "parallel"]] = {
    "history": "charts",
    "parallel": "parallel",
    "slices": "charts",
    "curves": "charts",
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
    type=click.Choice(list(_MODULES)),
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
    known = names_of(shown.message).metrics
    for metric in metrics:
        if metric not in known:
            raise click.UsageError(f"--metric {metric}: the study has no such metric; it has {', '.join(known)}")
    trials = shown.trials()  # once: all charts show the same moment
    reported = any(trial.measurement_count for trial in trials)
    wanted = dict.fromkeys(kinds) or [kind for kind in _MODULES if kind != "curves" or reported]
    charts = [_chart(kind, shown, trials, metrics or None) for kind in wanted]
    files.save(files.below_each_other(charts), output, title=f"{shown.id} - asktell")
    click.echo(f"{output}")


def _chart(kind: str, study: Study, trials: Sequence[Trial], metrics: Sequence[str] | None) -> Any:
    draw = getattr(load_plotting(_MODULES[kind]), kind)
    return draw(study, list(measured_trials(trials)) if kind == "curves" else trials, metrics=metrics)


def measured_trials(trials: Sequence[Trial]) -> Iterator[tuple[Trial, Sequence[Measurement]]]:
    """The trials with what they reported: a call for each one that may have reported anything."""
    for trial in trials:
        try:
            measurements = trial.measurements
        except TrialNotFound:
            continue  # deleted meanwhile
        yield trial, measurements
