"""Fitted hyperparameters by name."""

from __future__ import annotations

from asktell_server.domain.provenance import Fit
from asktell_server.engine.bayes import warm_start
from asktell_server.engine.bayes.surrogate import parameter_count
from asktell_server.engine.encoding import Encoding
from asktell_server.engine.problem import Problem


def fitted(packed: bytes, problem: Problem) -> Fit | None:
    """What a warm start of the problem says; None when it is empty or another one's."""
    encoding = Encoding(problem.space)
    columns = range(encoding.dimension)
    vector = warm_start.unpack(packed, problem, count=parameter_count(len(columns), encoding.categorical))
    if vector is None:
        return None
    noise, _mean, *rest = map(float, vector)
    weights, scales = rest[: -len(columns)], rest[-len(columns) :]
    # The vector holds the numbers' length scales first, then the categories'.
    order = sorted(columns, key=lambda column: column in encoding.categorical)
    by_column = dict(zip(order, scales, strict=True))
    return Fit(noise=noise, length_scales=tuple(by_column[column] for column in columns), weights=tuple(weights))
