"""Takes trials back from workers whose lease has run out."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from asktell_server.domain.trial import TrialState
from asktell_server.service.clock import Clock
from asktell_server.service.study_view import StudyView
from asktell_server.store.protocol import Commit, Conflict, Guard, TrialStore, TrialWrite

log = logging.getLogger(__name__)


async def take_back(ledger: TrialStore, view: StudyView, lapsed: Sequence[int], clock: Clock) -> bool:
    """Queues (or abandons) the trials; True when anything changed."""
    name = view.study.name
    now = clock()
    changed = False
    for number in lapsed:
        trial = view.trials.get(number)
        if trial is None or trial.state is not TrialState.RUNNING:
            continue
        back = trial.expire(max_attempts=view.study.lease.max_attempts, now=now)
        write = TrialWrite(trial=back, expected_revision=trial.revision, only_if_lapsed=True)
        try:
            await ledger.commit(name, Commit(writes=[write], guard=Guard(epoch=view.head.epoch)))
        except Conflict:
            continue  # its worker came back, or another server was faster
        log.info("lease of %s ran out: %s", name.trial(number), back.state.value)
        changed = True
    return changed
