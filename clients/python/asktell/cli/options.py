"""Options that several commands have."""

from __future__ import annotations

import click

from asktell.records import TrialState

as_json = click.option("--json", "as_json", is_flag=True, help="JSON for programs.")

in_states = click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice(
        [state.value for state in TrialState if state is not TrialState.UNSPECIFIED], case_sensitive=False
    ),
    help="Only trials in this state; may be given several times.",
)
