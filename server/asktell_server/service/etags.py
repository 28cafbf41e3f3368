"""Etags: a study as a caller has seen it."""

from __future__ import annotations

from asktell_server.domain.errors import Aborted, ErrorReason
from asktell_server.store.protocol import StudyHead


def etag_of(head: StudyHead) -> str:
    """The study's etag: changes with its specification or state, and differs between studies of one name."""
    return f"{head.epoch}-{head.study.revision}"


def require_etag(head: StudyHead, etag: str) -> None:
    """Raises Aborted (ETAG_MISMATCH) when there is an etag and it is not the study's present one."""
    if etag and etag != etag_of(head):
        raise etag_mismatch(head)


def etag_mismatch(head: StudyHead) -> Aborted:
    """The answer to an etag that is not the study's present one."""
    return Aborted(
        f"study {head.study.name} has changed since its etag was read",
        reason=ErrorReason.ETAG_MISMATCH,
        metadata={"name": str(head.study.name), "etag": etag_of(head)},
    )
