"""What all parts of the ledger in memory share: the studies, and the answers given to requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from asktell_server.domain.errors import ErrorReason, InvalidArgument, study_not_found
from asktell_server.domain.names import StudyName
from asktell_server.domain.trial import Trial
from asktell_server.store.memory.study import StudyInMemory
from asktell_server.store.protocol import REQUEST_TTL_S, Request, StudyHead


@dataclass(frozen=True, slots=True)
class Remembered:
    """What was answered to a request; `versions` are the trials as they were then."""

    fingerprint: str
    kind: str
    epoch: str
    expires: datetime
    head: StudyHead | None = None
    versions: tuple[Trial, ...] = ()
    sequence: int = 0
    created: int = 0


class MemoryState:
    """The base of every part; `clock` stands for the store's.

    No method awaits between reading and writing, so each is atomic on its event loop.
    """

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._clock = clock
        self._studies: dict[StudyName, StudyInMemory] = {}
        self._requests: dict[tuple[StudyName, str], Remembered] = {}

    def _stored(self, name: StudyName) -> StudyInMemory:
        stored = self._studies.get(name)
        if stored is None:
            raise study_not_found(str(name))
        return stored

    def _remembered(self, name: StudyName, request: Request | None) -> Remembered | None:
        if request is None:
            return None
        memory = self._requests.get((name, request.request_id))
        if memory is None or memory.expires <= self._clock():
            return None
        if memory.fingerprint != request.fingerprint:
            raise InvalidArgument(
                "request_id", "was used for another request before", reason=ErrorReason.REQUEST_ID_REUSED
            )
        return memory

    def _remembered_of(self, stored: StudyInMemory, request: Request | None, kind: str) -> Remembered | None:
        memory = self._remembered(stored.study.name, request)
        return memory if memory is not None and (memory.kind, memory.epoch) == (kind, stored.epoch) else None

    def _remember(
        self,
        stored: StudyInMemory,
        request: Request | None,
        kind: str,
        *,
        head: StudyHead | None = None,
        versions: tuple[Trial, ...] = (),
        sequence: int = 0,
        created: int = 0,
    ) -> None:
        if request is not None:
            self._requests[stored.study.name, request.request_id] = Remembered(
                fingerprint=request.fingerprint,
                kind=kind,
                epoch=stored.epoch,
                expires=self._clock() + timedelta(seconds=REQUEST_TTL_S),
                head=head,
                versions=versions,
                sequence=sequence or len(stored.log),
                created=created,
            )
