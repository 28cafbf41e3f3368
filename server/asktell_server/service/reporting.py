"""The answer to a report: whether its worker should go on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from asktell_server.store.protocol import Reported


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswer:
    """The answer to a report.

    `lease_expire_time` None = the lease has no end, or is lost. `stop_reason` says why the worker should stop; empty =
    it should go on.
    """

    lease_valid: bool
    lease_expire_time: datetime | None
    stop_reason: str = ""

    @property
    def should_stop(self) -> bool:
        """Whether the worker should stop."""
        return bool(self.stop_reason)


def answer_to(reported: Reported) -> ReportAnswer:
    """The answer to what the ledger has taken in: a worker that has lost its lease should stop, and one whose trial is to stop."""
    lost = f"the lease is lost: the trial is {reported.trial_state.value} and no longer this worker's"
    return ReportAnswer(
        lease_valid=reported.lease_valid,
        lease_expire_time=reported.lease_expire_time,
        stop_reason=reported.stop_reason if reported.lease_valid else lost,
    )
