"""Fitted hyperparameters by name."""

from __future__ import annotations

from asktell_server.domain.provenance import Fit
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.kernel import Layout
from asktell_server.engine.encoding import Encoding
from asktell_server.engine.problem import Problem


def fitted(packed: bytes, problem: Problem) -> Fit | None:
    """What a warm start of the problem says; None when it is empty or another one's."""
    layout = Layout.of(Encoding(problem.space))
    vector = warm_start.unpack(packed, problem, count=layout.parameter_count)
    if vector is None:
        return None
    noise, *rest = map(float, vector)
    return Fit(noise=noise, length_scales=tuple(rest[: layout.dimension]), weights=tuple(rest[layout.dimension :]))
