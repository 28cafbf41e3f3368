"""Requests that are remembered, so that a retry never does a thing twice."""

from __future__ import annotations

from dataclasses import dataclass

REQUEST_TTL_S = 48 * 3600
"""How long an answer can be given again for the same request id (at least 24 h are promised)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A caller's request id and a digest of method and body: the same id must come with the same body."""

    request_id: str
    fingerprint: str
