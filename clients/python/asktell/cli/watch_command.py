"""`asktell watch`."""

from __future__ import annotations

import json
from typing import Any

import click

from asktell._core.trial_view import TrialView
from asktell._core.watch import Change
from asktell._sync.client import Client
from asktell.cli.connect import with_client
from asktell.cli.output import Best, pairs, trial_record
from asktell.cli.study_commands import study_record


@click.command()
@click.argument("study")
@click.option("--from-start", is_flag=True, help="All changes since the study was created, then new ones.")
@click.option("--cursor", metavar="CURSOR", help="Go on after this cursor of an earlier --json line.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, with its cursor.")
@with_client(patient=True)
def watch(client: Client, study: str, from_start: bool, cursor: str | None, as_json: bool) -> None:
    """Follow the changes of a STUDY until interrupted, also across restarts of the server."""
    if from_start and cursor is not None:
        raise click.UsageError("--from-start and --cursor exclude each other")
    watched = client.study(study)
    start = "" if from_start else watched.cursor if cursor is None else cursor
    for change in watched.watch(start):
        click.echo(json.dumps(_record(change), ensure_ascii=False) if as_json else _line(change))


def _line(change: Change) -> str:
    if change.trial is not None:
        return _trial_line(change.trial)
    if change.reported is not None:
        number, measurement = change.reported
        return f"trial {number} step {measurement.step} {pairs(measurement.metrics)}"
    if change.deleted_trial is not None:
        return f"trial {change.deleted_trial} deleted"
    return "" if change.study is None else f"study {change.study.state} {change.study.counts.ended} trials ended"


def _trial_line(trial: TrialView) -> str:
    detail = pairs(trial.metrics) if trial.metrics else pairs(trial.params)
    reason = f" ({trial.reason.strip().splitlines()[-1]})" if trial.reason.strip() else ""
    return f"trial {trial.number} {trial.state} {detail}{reason}"


def _record(change: Change) -> dict[str, Any]:
    record: dict[str, Any] = {"cursor": change.cursor}
    if change.study is not None:
        record["study"] = study_record(change.study)
    if change.trial is not None:
        record["trial"] = trial_record(change.trial, Best())
    if change.deleted_trial is not None:
        record["deleted_trial"] = change.deleted_trial
    if change.reported is not None:
        number, measurement = change.reported
        record["reported"] = {"trial": number, "step": measurement.step, "metrics": dict(measurement.metrics)}
    return record
