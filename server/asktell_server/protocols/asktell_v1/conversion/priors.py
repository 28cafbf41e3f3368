"""Priors of parameters."""

from __future__ import annotations

from asktell.v1 import search_space_pb2
from asktell_server.domain.domains import MAX_LEVELS
from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.priors import NormalPrior, Prior, WeightsPrior
from asktell_server.protocols.asktell_v1.conversion.counts import few


def prior_from(message: search_space_pb2.Prior, where: str) -> Prior:
    """Reads a prior; whether it fits its domain is checked by the prior's `validate`.

    Raises:
        InvalidArgument: it is of no kind, or has too many weights.
    """
    match message.WhichOneof("kind"):
        case "normal":
            return NormalPrior(
                mean=message.normal.mean, relative_standard_deviation=message.normal.relative_standard_deviation
            )
        case "weights":
            return WeightsPrior(
                weights=tuple(few(message.weights.weights, MAX_LEVELS, f"{where}.weights.weights", "weights"))
            )
        case _:
            raise InvalidArgument(where, "must be one of normal, weights")


def prior_to(prior: Prior) -> search_space_pb2.Prior:
    """Writes a prior."""
    match prior:
        case NormalPrior(mean=mean, relative_standard_deviation=deviation):
            normal = search_space_pb2.NormalPrior(mean=mean, relative_standard_deviation=deviation)
            return search_space_pb2.Prior(normal=normal)
        case WeightsPrior(weights=weights):
            return search_space_pb2.Prior(weights=search_space_pb2.WeightsPrior(weights=weights))
