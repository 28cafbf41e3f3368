"""What a study file says of priors: `{mean: 1e-3, relative_standard_deviation: 0.2}` or `{weights: [1, 3]}`."""

from __future__ import annotations

from asktell.v1 import search_space_pb2
from asktell_server.protocols.asktell_v1.study_files.goals import Note
from asktell_server.protocols.asktell_v1.study_files.nodes import Node

_NORMAL = ("mean", "relative_standard_deviation")


def read_prior(node: Node, prior: search_space_pb2.Prior, where: str, note: Note) -> None:
    """Reads the `prior` of a parameter, whose field in the request is `where`."""
    note(where, node)
    keys = node.mapping((*_NORMAL, "weights"))
    if "weights" in keys:
        if len(keys) > 1:
            node.refuse("is either normal (mean, relative_standard_deviation) or weights, not both")
        note(f"{where}.weights.weights", keys["weights"])
        prior.weights.SetInParent()
        for index, item in enumerate(keys["weights"].items()):
            note(f"{where}.weights.weights[{index}]", item)
            prior.weights.weights.append(item.real())
        return
    keys = node.mapping(required=_NORMAL)
    for key in _NORMAL:
        note(f"{where}.normal.{key}", keys[key])
        setattr(prior.normal, key, keys[key].real())
