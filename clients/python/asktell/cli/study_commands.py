"""`asktell study …`: create, check, list, show, delete."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from asktell._core.shown import short
from asktell._core.study_view import StudyView
from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell.cli import wording
from asktell.cli.connect import with_client
from asktell.cli.early_stopping_words import as_keys, as_sentence
from asktell.cli.health_commands import gain_in_words, health
from asktell.cli.options import as_json
from asktell.cli.output import complain, pairs, print_json, stamp, state_words, time
from asktell.cli.said import said_of
from asktell.cli.steering_commands import finish, pause, reopen, resume, update
from asktell.cli.study_file import not_said, study_file
from asktell.cli.tables.layout import Cells
from asktell.cli.tables.printing import print_cells, print_facts
from asktell.errors import StudyExists
from asktell.records import TrialCounts


@click.group()
def study() -> None:
    """Create, find and steer studies."""


for command in (finish, pause, resume, reopen, update, health):
    study.add_command(command)
_stop = copy.copy(finish)  # the first version's word; everything else says finish
_stop.hidden = True
study.add_command(_stop, "stop")


@study.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--exist-ok", is_flag=True, help="A study of that name with the same specification is fine.")
@with_client()
def create(client: Client, file: Path, exist_ok: bool) -> None:
    """Create the study of a YAML FILE.

    \b
    Example of a study file:
      name: lora
      objectives:
        - {metric: perplexity, goal: minimize, split: validation}
      parameters:
        learning_rate: {type: float, min: 1e-5, max: 1e-3, scale: log}
        batch_size: {type: discrete, values: [8, 16, 32, 64]}
        optimizer: {type: categorical, values: [adam, sgd]}
        nesterov: {type: bool, when: {optimizer: [sgd]}}
        warmup_steps: {type: int, min: 0, max: 500}
      stopping: {max_trials: 50}
    """
    try:
        created = create_from_file(client, file, exist_ok=exist_ok)
    except StudyExists as error:
        if exist_ok:
            raise
        raise click.ClickException(str(error).replace("exist_ok=True", "--exist-ok")) from None
    click.echo(created.name)


def create_from_file(client: Client, file: Path, *, exist_ok: bool) -> Study:
    """Creates the study of a file and shows its warnings. Raises click.UsageError: the file cannot be read."""
    with _readable(file):
        created = client.create_study_from_file(file, exist_ok=exist_ok)
    show_warnings(created, file)
    return created


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise click.UsageError(f"{file}: {error.strerror or error}") from None
    except ValueError as error:  # no UTF-8
        raise click.UsageError(str(error)) from None


@study.command()
@click.argument("file", type=click.Path(path_type=Path))
@with_client()
def check(client: Client, file: Path) -> None:
    """Check the study of a YAML FILE: the server reads it and creates nothing.

    \b
    Example:
      asktell study check lora.yaml && asktell study create lora.yaml
    """
    with _readable(file):
        shown = client.check_study_file(file)
    show_warnings(shown, file)
    click.echo(f"{file}: study {shown.id} can be created")


def show_warnings(shown: StudyView, file: Path | None = None) -> None:
    """A study's warnings on stderr, with their place in the file that it has just been read from."""
    for warning in shown.warnings:
        where = (
            f"{file}:{warning.place}"
            if file and warning.place
            else f"{shown.id}: {wording.key(warning.field, list(shown.space))}"
        )
        complain(f"{where}: {warning.message}", kind="warning")


@study.command("list")
@as_json
@click.option("--wide", is_flag=True, help="All columns, however long the lines get.")
@with_client()
def list_(client: Client, as_json: bool, wide: bool) -> None:
    """List the project's studies."""
    found = client.studies()
    if as_json:
        print_json([study_record(each) for each in found])
        return
    if not found:
        complain("no studies yet: asktell study create FILE.yaml", kind="")
        return
    print_cells(_listed(found), wide=wide)


def _listed(found: Sequence[StudyView]) -> list[Cells]:
    counts = [each.counts for each in found]
    budgets = [each.stopping.max_trials for each in found]
    goals = [", ".join(f"{one.goal} {one.metric}" for one in each.objectives) for each in found]
    return [
        Cells(header="study", values=[each.id for each in found], right=False),
        Cells(header="state", values=[state_words(each) for each in found], right=False),
        Cells(header="ended", values=[str(each.ended) for each in counts]),
        Cells(header="budget", values=["" if each is None else str(each) for each in budgets]),
        Cells(header="objective", values=goals, right=False),
        Cells(header="running", values=[str(each.running) for each in counts]),
        Cells(header="queued", values=[str(each.queued) for each in counts]),
        Cells(header="created", values=[stamp(each.create_time) for each in found], right=False),
    ]


@study.command()
@click.argument("study")
@as_json
@click.option("--yaml", "as_yaml", is_flag=True, help="A study file that creates the same study.")
@with_client()
def show(client: Client, study: str, as_json: bool, as_yaml: bool) -> None:
    """Show the specification, the state and the warnings of a STUDY."""
    if as_json and as_yaml:
        raise click.UsageError("--json and --yaml exclude each other")
    shown = client.study(study)
    if as_json:
        print_json(study_record(shown))
        return
    if as_yaml:
        text = study_file(shown)
        for name in not_said(client, shown, text):
            complain(f"the file does not say {name}: this client does not know it", kind="warning")
        click.echo(text, nl=False)
        return
    facts = _facts(shown)
    if (gain := gain_in_words(shown)) is not None:
        facts.append(("worth", gain))
    print_facts(shown.name, [(name, value, "") for name, value in facts])
    show_warnings(shown)


@study.command()
@click.argument("study")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_client()
def delete(client: Client, study: str, yes: bool) -> None:
    """Delete a STUDY with all its trials. This cannot be undone."""
    chosen = client.study(study)
    if not yes and not _confirmed(f"Delete {chosen.name} and its {chosen.counts.total} trials?"):
        raise click.ClickException("not deleted (--yes does not ask)")
    chosen.delete()
    click.echo(f"{chosen.name} deleted")


def _confirmed(question: str) -> bool:
    try:
        return click.confirm(question, err=True)
    except click.Abort:  # nobody is there to answer
        return False


def _facts(shown: StudyView) -> list[tuple[str, str]]:
    counts = dataclasses.asdict(shown.counts)
    facts = [("state", state_words(shown))]
    facts += [("title", shown.display_name)] if shown.display_name else []
    facts.append(("trials", ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "none yet"))
    for objective in shown.objectives:
        reference = "" if objective.reference is None else f", reference {short(objective.reference)}"
        facts.append(("objective", f"{objective.goal} {objective.metric} ({objective.split}{reference})"))
    for bound in shown.outcome_constraints:
        limit = f"<= {short(bound.max)}" if bound.min is None else f">= {short(bound.min)}"
        facts.append(
            ("constraint", f"{bound.metric} {limit}{' of the baseline' if bound.of_baseline else ''} ({bound.split})")
        )
    facts += [("baseline trial", str(shown.baseline_trial))] if shown.baseline_trial else []
    if shown.message.HasField("hypervolume"):
        facts.append(("hypervolume", short(shown.message.hypervolume)))
    facts += [("metric", f"{each.name} ({each.split})") for each in shown.metrics]
    if shown.cost is not None:
        spent = "" if shown.total_cost is None else f", {short(shown.total_cost)} spent"
        facts.append(("cost", f"{shown.cost}{spent}"))
    facts += [("parameter", f"{name}: {said_of(domain)}") for name, domain in shown.space.items()]
    facts += [("parameters keep", constraint) for constraint in shown.parameter_constraints]
    facts.append(("algorithm", said_of(shown.algorithm)))
    rules = {name: value for name, value in dataclasses.asdict(shown.stopping).items() if value is not None}
    if isinstance(rules.get("target"), dict):
        rules["target"] = pairs(rules["target"])
    facts.append(("stopping", ", ".join(f"{name} {short(value)}" for name, value in rules.items()) or "never"))
    if shown.early_stopping is not None:
        facts.append(("early stopping", as_sentence(shown.early_stopping)))
    lease = f"{shown.lease.duration_s:g} s" if shown.lease.duration_s else "without end"
    facts.append(("lease", f"{lease}, {shown.lease.max_attempts} attempts"))
    facts += [("max running", str(shown.max_running))] if shown.max_running else []
    facts += [("replicates", str(shown.replicates))] if shown.replicates > 1 else []
    facts += [("max staleness", str(shown.max_staleness))] if shown.max_staleness is not None else []
    facts += [("parents", ", ".join(shown.parents))] if shown.parents else []
    facts += [("data epoch", str(shown.data_epoch))] if shown.data_epoch > 1 else []
    facts.append(("seed", str(shown.seed)))
    facts += [("label", f"{key}={value}") for key, value in shown.labels.items()]
    facts += [("note", line) for line in shown.note.splitlines()]
    return facts


def study_record(shown: StudyView, counts: TrialCounts | None = None) -> dict[str, Any]:
    """A study for JSON; `counts`: where the study's own are not those to show."""
    stopping = dataclasses.asdict(shown.stopping)
    return {
        "name": shown.name,
        "display_name": shown.display_name,
        "state": shown.state.value,
        "finish_reason": shown.finish_reason.value,
        "trial_counts": dataclasses.asdict(shown.counts if counts is None else counts),
        "objectives": [dataclasses.asdict(each) for each in shown.objectives],
        "outcome_constraints": [dataclasses.asdict(each) for each in shown.outcome_constraints],
        "metrics": [dataclasses.asdict(each) for each in shown.metrics],
        "cost": shown.cost,
        "total_cost": shown.total_cost,
        "parameters": {
            name: {"type": type(domain).__name__.lower(), **dataclasses.asdict(domain)}
            for name, domain in shown.space.items()
        },
        "parameter_constraints": shown.parameter_constraints,
        "algorithm": {"type": type(shown.algorithm).__name__.lower(), **dataclasses.asdict(shown.algorithm)},
        "stopping": {**stopping, "deadline": time(stopping["deadline"])},
        "early_stopping": as_keys(shown.early_stopping),
        "lease": dataclasses.asdict(shown.lease),
        "max_running": shown.max_running,
        "replicates": shown.replicates,
        "max_staleness": shown.max_staleness,
        "baseline_trial": shown.baseline_trial,
        "parents": shown.parents,
        "data_epoch": shown.data_epoch,
        "seed": shown.seed,
        "labels": shown.labels,
        "annotations": shown.annotations,
        "note": shown.note,
        "warnings": [dataclasses.asdict(each) for each in shown.warnings],
        "create_time": time(shown.create_time),
        "update_time": time(shown.update_time),
        "finish_time": time(shown.finish_time),
    }
