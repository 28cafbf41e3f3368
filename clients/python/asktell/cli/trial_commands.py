"""`asktell trials`, `asktell best`, `asktell enqueue`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, ParamSpec, TypeVar

import click

from asktell._core.fidelity import has
from asktell._core.shown import short
from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell._sync.trial import Trial
from asktell.cli.connect import with_client
from asktell.cli.number_types import WholeNumber
from asktell.cli.options import as_json, in_states
from asktell.cli.output import (
    Best,
    complain,
    metrics_of,
    pairs,
    print_json,
    seconds,
    trial_record,
    trials_csv,
)
from asktell.cli.tables.columns import did_you_mean, trial_columns
from asktell.cli.tables.printing import Look, print_facts, print_trials
from asktell.cli.tables.trials import chosen, selected
from asktell.cli.values import parse_value
from asktell.records import BestByModel
from asktell.spaces import ParameterValue, Space

P = ParamSpec("P")
R = TypeVar("R")


def _table_options(command: Callable[P, R]) -> Callable[P, R]:
    """The options of a table, given to the command as `look`."""

    @click.option("--columns", metavar="A,B,…", default="", help="These columns, in this order.")
    @click.option("--wide", is_flag=True, help="All columns, however long the lines get.")
    @click.option("--no-pager", is_flag=True, help="Straight to the terminal, even if it is shorter than the table.")
    @functools.wraps(command)
    def wrapped(*args: Any, columns: str, wide: bool, no_pager: bool, **kwargs: Any) -> R:
        look = Look(columns=columns, wide=wide, pager=not no_pager)
        return command(*args, look=look, **kwargs)  # type: ignore[arg-type] # the command takes `look`

    return wrapped  # type: ignore[return-value] # click fills the arguments in


@click.command()
@click.argument("study")
@as_json
@click.option("--csv", "as_csv", is_flag=True, help="CSV with all digits.")
@in_states
@click.option("--last", type=WholeNumber(1), metavar="N", help="Only the N newest trials.")
@click.option("--sort", metavar="[-]NAME", default="", help="By a metric (best first), a parameter, state, duration, …")
@click.option("--reverse", is_flag=True, help="The other way round; as does --sort -NAME.")
@click.option("--limit", type=WholeNumber(1), metavar="N", help="Only the first N of these.")
@_table_options
@with_client()
def trials(
    client: Client,
    study: str,
    as_json: bool,
    as_csv: bool,
    states: tuple[str, ...],
    last: int | None,
    sort: str,
    reverse: bool,
    limit: int | None,
    look: Look,
) -> None:
    """Show the trials of a STUDY, the best one marked; where results are noisy, the best one by a model as well.

    Columns that a terminal has no room for are left out and named; in a pipe there are all of them, two spaces or more apart.
    A terminal shorter than the table gets a pager (PAGER, by default less).

    \b
    Examples:
      asktell trials lora
      asktell trials lora --sort val_loss --limit 10
      asktell trials lora --last 20 --columns number,val_loss,lr,duration
      asktell trials lora --state failed --state abandoned
      asktell trials lora --csv > trials.csv
    """
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    if (as_json or as_csv) and look.is_asked_for:
        raise click.UsageError("--columns and --wide are for the table; --json and --csv have every column")
    shown = client.study(study)
    found = shown.trials(states=states or None)
    by_model = shown.best_by_model
    marked = Best(
        observed=frozenset(trial.number for trial in shown.best_trials() if not trial.violation),
        by_model=None if by_model is None else by_model.trial.number,
    )
    columns = trial_columns(shown, marked)
    try:
        chosen(columns, look.columns)
        rows = selected(found, columns, sort=sort, reverse=reverse, limit=limit, last=last)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if as_json:
        print_json([trial_record(trial, marked) for trial in rows])
    elif as_csv:
        click.echo(trials_csv(shown, rows, marked), nl=False)
    elif not rows:
        complain(f"{shown.name} has no {' or '.join(states) + ' ' if states else ''}trials", kind="")
    else:
        print_trials(shown, rows, marked, look, of=len(found))


@click.command()
@click.argument("study")
@click.option(
    "--count", "-n", type=WholeNumber(1, 1000), default=1, show_default=True, help="How many of the best to show."
)
@as_json
@_table_options
@with_client()
def best(client: Client, study: str, count: int, as_json: bool, look: Look) -> None:
    """Show the best trial of a STUDY, and the best one by a model where results are noisy; exit 1 while there is none.

    With several objectives it is the Pareto front: the trials that no other one betters in all of them. Where no trial keeps the
    outcome constraints, the ones that miss them least are shown.

    The best value may have been lucky where results differ from run to run. The model's best is the trial that it
    expects to be best without noise.

    \b
    Examples:
      asktell best lora
      asktell best lora -n 5
      asktell best lora --json
    """
    if as_json and look.is_asked_for:
        raise click.UsageError("--columns and --wide are for the table; --json has every column")
    shown = client.study(study)
    found = shown.best_trials(count)
    if not found:
        raise click.ClickException(f"{shown.name} has no result yet")
    if found[0].violation:
        complain("no trial keeps the outcome constraints yet; this one misses them least", kind="warning")
    if not has(found[0].params, shown.whole):
        complain(
            f"no trial has run with {pairs(shown.whole)} yet; this is the best at the highest value so far",
            kind="warning",
        )
    by_model = shown.best_by_model
    marked = Best(observed=_best_of(shown, found), by_model=None if by_model is None else by_model.trial.number)
    if as_json:
        records = [trial_record(trial, marked) for trial in found]
        records[0]["by_model"] = by_model and {
            "number": by_model.trial.number,
            "params": by_model.trial.params,
            "mean": by_model.mean,
            "standard_deviation": by_model.standard_deviation,
            "noise": by_model.noise,
        }
        print_json(records[0] if count == 1 and len(shown.objectives) == 1 else records)
    elif len(found) > 1 or look.is_asked_for:
        try:
            print_trials(shown, found, marked, look)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    else:
        _print_trial(shown, found[0], marked, by_model)
        if by_model is not None and by_model.trial.number != found[0].number:
            click.echo()
            _print_trial(shown, by_model.trial, marked, by_model)


def _best_of(study: Study, found: Sequence[Trial]) -> frozenset[int]:
    """The ones to mark: the first, or with several objectives the front, which is all of them."""
    feasible = [trial.number for trial in found if not trial.violation]
    return frozenset(feasible if len(study.objectives) > 1 else feasible[:1])


def _print_trial(study: Study, trial: Trial, marked: Best, by_model: BestByModel[Trial] | None) -> None:
    metrics = trial.metrics
    facts = [(each.name, short(metrics[each.name]), "bold green") for each in metrics_of(study) if each.name in metrics]
    if by_model is not None and by_model.trial.number == trial.number:
        expected = f"{short(by_model.mean)} ± {by_model.standard_deviation:.2g}"
        facts.append(("expected without noise", f"{expected} (noise of one result: {by_model.noise:.2g})", ""))
    if trial.violation:
        facts.append(("misses the constraints by", f"{trial.violation:.3g} of their bounds", "yellow"))
    facts += [(name, short(value), "") for name, value in trial.params.items()]
    facts.append(("duration", seconds(trial.duration_s), "dim"))
    print_facts(f"{marked.marks(trial.number)} {trial.name}".strip(), facts)


@click.command()
@click.argument("study")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option(
    "--continue-from",
    type=WholeNumber(1),
    metavar="TRIAL",
    help="The number of a trial whose checkpoint it goes on from.",
)
@with_client()
def enqueue(client: Client, study: str, values: tuple[str, ...], continue_from: int | None) -> None:
    """Queue a configuration of your own; it is handed out before the algorithm's.

    \b
    Examples (parameters that have a default may be left out):
      asktell enqueue lora learning_rate=3e-4 batch_size=16 optimizer=adam nesterov=true warmup_steps=100
      asktell enqueue digits learning_rate=1e-3 epochs=81 --continue-from 7
    """
    chosen = client.study(study)
    queued = chosen.enqueue(parse_values(values, chosen.space), continue_from=continue_from)
    click.echo(f"{queued.name} {queued.state} {pairs(queued.params)}")


def parse_values(values: tuple[str, ...], space: Space) -> dict[str, ParameterValue]:
    """`name=value` words as a configuration. Raises click.UsageError."""
    params: dict[str, ParameterValue] = {}
    for word in values:
        name, equals, text = word.partition("=")
        if not equals:
            raise click.UsageError(f"{word!r} is not NAME=VALUE")
        if name not in space:
            raise click.UsageError(f"the study has no parameter {name!r}{did_you_mean(name, space)}")
        if name in params:
            raise click.UsageError(f"{name} is given twice")
        try:
            params[name] = parse_value(text, space[name])
        except ValueError as error:
            raise click.UsageError(f"{name}={text}: {error}") from None
    return params
