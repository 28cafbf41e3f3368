"""`asktell study health`, and what further trials are expected to gain, in one line for other commands."""

from __future__ import annotations

import click

from asktell._core.shown import short
from asktell._sync.client import Client
from asktell._sync.study import Study
from asktell.cli.connect import with_client
from asktell.cli.explaining.record import health_record
from asktell.cli.explaining.terminal import print_health_of
from asktell.cli.options import as_json
from asktell.cli.output import print_json
from asktell.errors import AsktellError
from asktell.records import StudyState
from asktell.spec import Auto, Bayesian

HORIZON = 10
LEAST_RESULTS = 6
"""Results from which on it is worth asking: the space-filling start comes before."""


@click.command()
@click.argument("study")
@as_json
@with_client(patient=True)
def health(client: Client, study: str, as_json: bool) -> None:
    """Tell what is wrong with a STUDY or could be better, and what further trials are expected to gain.

    Among others: the best trial at the end of a range, parameters without effect, failures that lie together, a budget too
    small, overfitting to the validation data. What needs a model is told once there are results enough.

    \b
    Examples:
      asktell study health lora
      asktell study health lora --json | jq '.findings[] | select(.severity != "INFO")'
    """
    shown = client.study(study)
    found = shown.health()
    if as_json:
        print_json(health_record(found))
        return
    print_health_of(shown.name, found)


def gain_in_words(study: Study) -> str | None:
    """`another 10 trials are expected to gain 0.003`; None where that is not known, or nothing more will be run."""
    asked = study.state is not StudyState.FINISHED and len(study.objectives) == 1
    if not asked or not isinstance(study.algorithm, Auto | Bayesian) or study.counts.succeeded < LEAST_RESULTS:
        return None
    try:
        gains = {each.trials: each.gain for each in study.health().expected_gains}
    except (
        AsktellError
    ):  # a server without analysis, or one that has more urgent work: the command is about other things
        return None
    if HORIZON not in gains:
        return None
    return f"another {HORIZON} trials are expected to gain {short(gains[HORIZON], 2)}"
