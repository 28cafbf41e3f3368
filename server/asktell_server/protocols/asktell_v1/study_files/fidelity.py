"""What a study file says of the fidelity: `fidelity: true`, or `{fixed_cost_share: 0.1, reduction_factor: 4}`."""

from __future__ import annotations

from asktell.v1 import search_space_pb2
from asktell_server.protocols.asktell_v1.study_files.goals import Note
from asktell_server.protocols.asktell_v1.study_files.nodes import Node

_SETTINGS = ("fixed_cost_share", "reduction_factor")


def read_fidelity(node: Node, parameter: search_space_pb2.Parameter, where: str, note: Note) -> None:
    """Reads the `fidelity` of a parameter, whose field in the request is `where`."""
    note(where, node)
    if not node.is_mapping:
        if node.boolean():
            parameter.fidelity.SetInParent()
        return
    keys = node.mapping(_SETTINGS)
    parameter.fidelity.SetInParent()
    for key, value in keys.items():
        note(f"{where}.{key}", value)
        setattr(parameter.fidelity, key, value.real())
