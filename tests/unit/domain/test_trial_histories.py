"""Whatever happens to a trial, in any order: what must hold all the way (design rules 2 and 3)."""

from __future__ import annotations

import dataclasses

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from asktell_server.domain.errors import AlreadyExists, FailedPrecondition
from asktell_server.domain.trial import Result, Trial, TrialState, Verdict
from tests.support.builders import NOW, a_trial, failure, success

MAX_ATTEMPTS = 3
RESULTS = [success(0.1), success(0.2), failure(), Result(state=TrialState.STOPPED), Result(state=TrialState.INFEASIBLE)]


class TrialHistory(RuleBasedStateMachine):
    """Workers come, get lost, and tell; a person amends and cancels."""

    def __init__(self) -> None:
        super().__init__()
        self.trial: Trial = a_trial()
        self.leases: list[str] = []
        self.accepted: tuple[str, Result] | None = None
        self.amended_to: Result | None = None
        self.losses = 0

    def _change(self, changed: Trial) -> None:
        self.trial = dataclasses.replace(changed, revision=self.trial.revision + 1)

    @precondition(lambda self: self.trial.state is TrialState.QUEUED)
    @rule()
    def start(self) -> None:
        self.leases.append(f"lease-{len(self.leases)}")
        self._change(self.trial.start(lease_id=self.leases[-1], worker_id="w", now=NOW))

    @precondition(lambda self: self.trial.state is TrialState.RUNNING)
    @rule()
    def lose_worker(self) -> None:
        self.losses += 1
        self._change(self.trial.expire(max_attempts=MAX_ATTEMPTS, now=NOW))

    @precondition(lambda self: self.trial.state is TrialState.RUNNING)
    @rule()
    def give_back(self) -> None:
        self._change(self.trial.release(lease_id=self.leases[-1]))

    @precondition(lambda self: self.leases)
    @rule(result=st.sampled_from(RESULTS), data=st.data())
    def tell(self, result: Result, data: st.DataObject) -> None:
        lease_id = data.draw(st.sampled_from(["", *self.leases]))
        before = self.trial
        try:
            told, verdict = before.tell(result, lease_id=lease_id, now=NOW)
        except FailedPrecondition:
            assert before.state is TrialState.CANCELLED
            return
        except AlreadyExists:
            assert self.accepted is not None
            assert lease_id in ("", self.accepted[0])
            assert result not in (self.accepted[1], before.result)
            return
        match verdict:
            case Verdict.ACCEPTED:
                assert self.accepted is None, "a second result was taken"
                self.accepted = (lease_id or before.lease_id, result)
            case Verdict.REPEATED:
                assert told is before
            case Verdict.SUPERSEDED:
                assert (told.state, told.metrics) == (before.state, before.metrics)
                assert any(late.lease_id == lease_id and late.result == result for late in told.superseded_results)
        if told is not before:
            self._change(told)

    @precondition(lambda self: self.accepted is not None)
    @rule()
    def retry_the_tell(self) -> None:
        assert self.accepted is not None
        lease_id, result = self.accepted
        again, verdict = self.trial.tell(result, lease_id=lease_id, now=NOW)
        assert (again, verdict) == (self.trial, Verdict.REPEATED)

    @precondition(lambda self: self.trial.state.has_result)
    @rule(result=st.sampled_from(RESULTS))
    def amend(self, result: Result) -> None:
        if len(self.trial.amendments) < 10:
            self._change(self.trial.amend(result, reason="corrected", now=NOW))
            self.amended_to = result

    @precondition(lambda self: self.leases and self.trial.state.is_open)
    @rule()
    def cancel(self) -> None:
        self._change(self.trial.cancel(reason="", now=NOW))

    @invariant()
    def the_result_is_the_first_one_or_its_correction(self) -> None:
        if self.accepted is None:
            assert not self.trial.state.has_result
            return
        assert self.trial.result == (self.amended_to or self.accepted[1])
        assert self.trial.result_lease_id == self.accepted[0]
        if self.trial.amendments:
            assert self.trial.amendments[0].previous == self.accepted[1]

    @invariant()
    def every_lease_is_remembered(self) -> None:
        current = [self.trial.lease_id] if self.trial.lease_id else []
        assert [*self.trial.past_lease_ids, *current] == self.leases

    @invariant()
    def lost_workers_are_counted_and_orderly_ones_are_not(self) -> None:
        running = self.trial.state is TrialState.RUNNING
        if self.trial.state in (TrialState.QUEUED, TrialState.RUNNING):
            assert self.trial.attempt == self.losses + running
        assert self.trial.attempt <= MAX_ATTEMPTS
        assert (self.trial.state is TrialState.ABANDONED) <= (self.losses == MAX_ATTEMPTS)

    @invariant()
    def the_configuration_never_changes(self) -> None:
        assert self.trial.parameters == a_trial().parameters


TestTrialHistory = TrialHistory.TestCase
TestTrialHistory.settings = settings(max_examples=60, stateful_step_count=25)
