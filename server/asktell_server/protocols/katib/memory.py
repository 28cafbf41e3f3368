"""What was suggested and has not come back as a trial yet.

Katib may ask again before the trials of its last suggestions are visible. A setting of ours travels with each answer, and Katib
brings it back with the next request: a few configurations as JSON, those of the earlier answers that no trial has.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from asktell_server.protocols.katib.algorithms import STATE
from asktell_server.protocols.katib.wire import api_pb2

Assignments = list[api_pb2.ParameterAssignment]

MOST = 100
"""Configurations that are remembered: the setting is kept in a Kubernetes object."""


def remembered(state: str, trials: Iterable[api_pb2.Trial]) -> list[Assignments]:
    """The suggestions that no trial has yet; none where `state` is not of our making."""
    try:
        told = [
            [api_pb2.ParameterAssignment(name=name, value=value) for name, value in each.items()]
            for each in json.loads(state or "[]")
        ]
    except (AttributeError, TypeError, ValueError):
        return []
    visible = {_key(trial.spec.parameter_assignments.assignments) for trial in trials} if told else set()
    return [each for each in told if _key(each) not in visible]


def to_remember(suggestions: list[Assignments]) -> api_pb2.AlgorithmSetting:
    """The setting that brings the newest of these back."""
    told = [{each.name: each.value for each in suggestion} for suggestion in suggestions[-MOST:]]
    return api_pb2.AlgorithmSetting(name=STATE, value=json.dumps(told, separators=(",", ":")))


def _key(assignments: Iterable[api_pb2.ParameterAssignment]) -> frozenset[tuple[str, str]]:
    return frozenset((each.name, each.value) for each in assignments)
