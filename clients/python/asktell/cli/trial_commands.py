"""`asktell trials`, `asktell best`, `asktell enqueue`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import click
from rich import box
from rich.table import Table

from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.cli.connect import with_client
from asktell.cli.output import (
    Best,
    complain,
    console,
    metric_names,
    pairs,
    print_json,
    seconds,
    short,
    trial_record,
    trials_csv,
    trials_table,
)
from asktell.cli.study_commands import as_json
from asktell.records import BestByModel, TrialState
from asktell.spaces import Bool, Categorical, Discrete, Domain, Float, Int, ParameterValue

_STATES = [state.value for state in TrialState if state is not TrialState.UNSPECIFIED]


@click.command()
@click.argument("study")
@as_json
@click.option("--csv", "as_csv", is_flag=True, help="CSV with all digits.")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(_STATES, case_sensitive=False),
    help="Only trials in this state; may be given several times.",
)
@with_client()
def trials(client: Client, study: str, as_json: bool, as_csv: bool, states: tuple[str, ...]) -> None:
    """Show the trials of a STUDY, the best one marked; where results are noisy, the best one by a model as well.

    \b
    Examples:
      asktell trials lora
      asktell trials lora --state failed --state abandoned
      asktell trials lora --csv > trials.csv
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    shown = client.study(study)
    found = shown.trials(states=states or None)
    best_trial, by_model = next(iter(shown.best_trials(1)), None), shown.best_by_model
    marked = Best(
        observed=None if best_trial is None else best_trial.number,
        by_model=None if by_model is None else by_model.trial.number,
    )
    if as_json:
        print_json([trial_record(trial, marked) for trial in found])
    elif as_csv:
        click.echo(trials_csv(shown, found, marked), nl=False)
    elif not found:
        complain(f"{shown.name} has no {' or '.join(states) + ' ' if states else ''}trials", kind="")
    else:
        console().print(trials_table(shown, found, marked))


@click.command()
@click.argument("study")
@click.option(
    "--count", "-n", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many of the best to show."
)
@as_json
@with_client()
def best(client: Client, study: str, count: int, as_json: bool) -> None:
    """Show the best trial of a STUDY, and the best one by a model where results are noisy; exit 1 while there is none.

    The best value may have been lucky where results differ from run to run. The model's best is the trial that it
    expects to be best without noise.
    """
    shown = client.study(study)
    found = shown.best_trials(count)
    if not found:
        raise click.ClickException(f"{shown.name} has no result yet")
    by_model = shown.best_by_model
    marked = Best(observed=found[0].number, by_model=None if by_model is None else by_model.trial.number)
    if as_json:
        records = [trial_record(trial, marked) for trial in found]
        records[0]["by_model"] = by_model and {
            "number": by_model.trial.number,
            "params": by_model.trial.params,
            "mean": by_model.mean,
            "standard_deviation": by_model.standard_deviation,
            "noise": by_model.noise,
        }
        print_json(records[0] if count == 1 else records)
    elif count > 1:
        console().print(trials_table(shown, found, marked))
    else:
        console().print(_trial_table(shown, found[0], marked, by_model))
        if by_model is not None and by_model.trial.number != found[0].number:
            console().print(_trial_table(shown, by_model.trial, marked, by_model))


def _trial_table(study: Study, trial: Trial, marked: Best, by_model: BestByModel[Trial] | None) -> Table:
    title = f"{marked.marks(trial.number)} {trial.name}"
    table = Table(box=box.SIMPLE, show_header=False, title=title, title_justify="left")
    for name in metric_names(study):
        if name in trial.metrics:
            table.add_row(name, short(trial.metrics[name]), style="bold green")
    if by_model is not None and by_model.trial.number == trial.number:
        expected = f"{short(by_model.mean)} ± {by_model.standard_deviation:.2g}"
        table.add_row("expected without noise", f"{expected} (noise of one result: {by_model.noise:.2g})")
    for name, value in trial.params.items():
        table.add_row(name, short(value))
    table.add_row("duration", seconds(trial.duration_s), style="dim")
    return table


@click.command()
@click.argument("study")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@with_client()
def enqueue(client: Client, study: str, values: tuple[str, ...]) -> None:
    """Queue a configuration of your own; it is handed out before the algorithm's.

    \b
    Example (parameters that have a default may be left out):
      asktell enqueue lora learning_rate=3e-4 batch_size=16 optimizer=adam nesterov=true warmup_steps=100
    """
    chosen = client.study(study)
    queued = chosen.enqueue(parse_values(values, chosen.space))
    click.echo(f"{queued.name} {queued.state} {pairs(queued.params)}")


def parse_values(values: tuple[str, ...], space: dict[str, Domain]) -> dict[str, ParameterValue]:
    """`name=value` words as a configuration. Raises click.UsageError."""
    params: dict[str, ParameterValue] = {}
    for word in values:
        name, equals, text = word.partition("=")
        if not equals:
            raise click.UsageError(f"{word!r} is not NAME=VALUE")
        if name not in space:
            raise click.UsageError(f"the study has no parameter {name!r}{_did_you_mean(name, space)}")
        if name in params:
            raise click.UsageError(f"{name} is given twice")
        try:
            params[name] = _parse(text, space[name])
        except ValueError:
            kind = type(space[name]).__name__.lower()
            raise click.UsageError(f"{name}={text}: not a value of a {kind} parameter") from None
    return params


def _did_you_mean(word: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the nearest known word, otherwise the list of them."""
    names = list(known)
    near = difflib.get_close_matches(word, names, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; known are {', '.join(names)}"


def _parse(text: str, domain: Domain) -> ParameterValue:
    match domain:
        case Int():
            return int(text)
        case Float():
            return float(text)
        case Discrete():
            return float(text) if any(isinstance(value, float) for value in domain.values) else int(text)
        case Categorical():
            return text
        case Bool():
            return {"true": True, "false": False}[text.lower()] if text.lower() in {"true", "false"} else _no_bool()


def _no_bool() -> bool:
    raise ValueError
