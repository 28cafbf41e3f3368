"""`asktell explain` and `asktell predict`."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from asktell._core.plots import load_plotting
from asktell._core.shown import with_deviation
from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell.cli.configurations import what_if
from asktell.cli.connect import with_client
from asktell.cli.explaining.gathering import gather, landscape
from asktell.cli.explaining.page import sections
from asktell.cli.explaining.record import explanation_record
from asktell.cli.explaining.terminal import print_explanation
from asktell.cli.options import as_json
from asktell.cli.output import pairs, print_json
from asktell.cli.tables.printing import print_facts
from asktell.cli.trial_commands import parse_values
from asktell.spaces import ParameterValue


@click.command()
@click.argument("study")
@as_json
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write a page of one file, which needs no network; needs the extra asktell[plot].",
)
@with_client(patient=True)
def explain(client: Client, study: str, as_json: bool, page: Path | None) -> None:
    """Explain what the results of a STUDY say.

    The configuration to use and its expected result, which parameters matter and which depend on each other, whether the model
    can be believed, what is wrong with the study, and with several objectives what one costs in terms of another. A page has
    plots as well: history, parallel coordinates, contours, slices, learning curves, the Pareto front.

    What needs a model says how many results it needs while there are too few.

    \b
    Examples:
      asktell explain lora
      asktell explain lora --html lora.html
      asktell explain lora --json | jq .recommended.trial.params
    """
    render = None if page is None else _renderer()  # before the work: the library may be missing
    shown = client.study(study)
    explanation = gather(shown)
    if page is not None and render is not None:
        title = f"{shown.display_name or shown.id} - asktell"
        page.write_text(render(title, sections(explanation, landscape(explanation))), encoding="utf-8")
    if as_json:
        print_json(explanation_record(explanation))
    elif page is not None:
        click.echo(f"{page}")
    else:
        print_explanation(explanation)


def _renderer() -> Callable[[str, Sequence[Any]], str]:
    try:
        render: Callable[[str, Sequence[Any]], str] = load_plotting("page").render
    except ModuleNotFoundError as error:
        raise click.ClickException(str(error)) from None
    return render


@click.command()
@click.argument("study")
@click.argument("values", nargs=-1, metavar="NAME=VALUE...")
@click.option("--metric", metavar="NAME", help="An objective or constrained metric.  [default: all of them]")
@as_json
@with_client(patient=True)
def predict(client: Client, study: str, values: tuple[str, ...], metric: str | None, as_json: bool) -> None:
    """Predict what a configuration of a STUDY would give, tried or not. Parameters that are not named have the best trial's values.

    \b
    Examples:
      asktell predict lora rank=8
      asktell predict lora rank=8 learning_rate=3e-4 --json
    """
    shown = client.study(study)
    params = what_if(shown, _best(shown), parse_values(values, shown.space))
    predicted = shown.predict(params, metric=metric)
    if as_json:
        print_json({"params": params, **dataclasses.asdict(predicted)})
        return
    first = metric or shown.objectives[0].metric
    beliefs = {first: (predicted.mean, predicted.standard_deviation)}
    if metric is None:
        beliefs |= {name: (each.mean, each.standard_deviation) for name, each in predicted.beliefs.items()}
    facts = [(name, with_deviation(*belief), "bold") for name, belief in beliefs.items()]
    print_facts(f"{shown.name} at {pairs(params)}", facts)


def _best(study: Study) -> dict[str, ParameterValue]:
    """The configuration of the best trial, by the model where results are noisy; empty where there is no result."""
    by_model = study.best_by_model
    if by_model is not None:
        return by_model.trial.params
    found = study.best_trials()
    return found[0].params if found else {}
