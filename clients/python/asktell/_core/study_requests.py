"""Requests about studies, built from Python values; and the comparison that `exist_ok` needs."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.field_mask_pb2 import FieldMask

from asktell._core import spec_codec as codec
from asktell._core.flow import new_request_id
from asktell._core.values import text, whole
from asktell.spec import StoppingRules
from asktell.study_spec import StudyChanges, StudySpec
from asktell.v1 import study_pb2, study_service_pb2


def full_study_name(project: str, name: str) -> str:
    """`projects/…/studies/…` for an id, `studies/{id}` or a full name."""
    text(name, "the study's name")
    if name.startswith("projects/"):
        return name
    return f"projects/{project}/studies/{name.removeprefix('studies/')}"


def encode_study(spec: StudySpec) -> study_pb2.Study:
    """A study on the wire. Raises TypeError or ValueError naming the argument."""
    rules = StoppingRules(
        max_trials=spec.max_trials, target=spec.target, patience=spec.patience, deadline=spec.deadline
    )
    return study_pb2.Study(
        display_name=text(spec.display_name, "display_name"),
        search_space=codec.encode_space(spec.space),
        objectives=codec.encode_objectives(spec.objectives),
        tracked_metrics=codec.encode_metrics_declared(spec.metrics),
        algorithm=codec.encode_algorithm(spec.algorithm),
        stopping_rules=codec.encode_stopping(rules),
        lease_policy=codec.encode_lease(spec.lease_s, spec.max_attempts),
        max_running_trials=0 if spec.max_running is None else whole(spec.max_running, "max_running"),
        replicates=0 if spec.replicates is None else whole(spec.replicates, "replicates"),
        max_staleness=None if spec.max_staleness is None else whole(spec.max_staleness, "max_staleness"),
        seed=None if spec.seed is None else whole(spec.seed, "seed"),
        labels=spec.labels,
        annotations=spec.annotations,
    )


def create_request(project: str, study_id: str, spec: StudySpec) -> study_service_pb2.CreateStudyRequest:
    """CreateStudy."""
    return study_service_pb2.CreateStudyRequest(
        parent=f"projects/{project}",
        study_id=text(study_id, "study_id"),
        study=encode_study(spec),
        request_id=new_request_id(),
    )


_PATHS = {
    "max_trials": "stopping_rules.max_trials",
    "target": "stopping_rules.target_value",
    "patience": "stopping_rules.patience_trials",
    "deadline": "stopping_rules.deadline",
    "max_running": "max_running_trials",
    "max_staleness": "max_staleness",
    "display_name": "display_name",
    "labels": "labels",
    "annotations": "annotations",
}


def update_request(name: str, changes: StudyChanges, *, etag: str) -> study_service_pb2.UpdateStudyRequest:
    """UpdateStudy. Raises TypeError: a change that there is not."""
    unknown = changes.keys() - _PATHS.keys()
    if unknown:
        raise TypeError(f"a study's {', '.join(sorted(unknown))} cannot be changed; {', '.join(_PATHS)} can")
    max_running, max_staleness = changes.get("max_running"), changes.get("max_staleness")
    study = study_pb2.Study(
        name=name,
        etag=etag,
        display_name=text(changes.get("display_name", ""), "display_name"),
        stopping_rules=codec.encode_stopping(
            StoppingRules(
                max_trials=changes.get("max_trials"),
                target=changes.get("target"),
                patience=changes.get("patience"),
                deadline=changes.get("deadline"),
            )
        ),
        max_running_trials=0 if max_running is None else whole(max_running, "max_running"),
        max_staleness=None if max_staleness is None else whole(max_staleness, "max_staleness"),
        labels=changes.get("labels", {}),
        annotations=changes.get("annotations", {}),
    )
    mask = FieldMask(paths=[_PATHS[change] for change in changes])
    return study_service_pb2.UpdateStudyRequest(study=study, update_mask=mask, request_id=new_request_id())


def state_request(name: str, state: study_pb2.StudyState.ValueType) -> study_service_pb2.UpdateStudyRequest:
    """UpdateStudy that pauses, resumes or finishes."""
    return study_service_pb2.UpdateStudyRequest(
        study=study_pb2.Study(name=name, state=state),
        update_mask=FieldMask(paths=["state"]),
        request_id=new_request_id(),
    )


def fixed_differences(wanted: study_pb2.Study, stored: study_pb2.Study) -> list[str]:
    """What of a specification differs from a study's and can never be changed, in words.

    Compared as values, not as messages: a default that the server wrote out is no difference.
    """
    found = []
    if codec.decode_space(wanted.search_space) != codec.decode_space(stored.search_space):
        found.append("space" + _which(wanted, stored))
    if codec.decode_objectives(wanted.objectives) != codec.decode_objectives(stored.objectives):
        found.append("objectives")
    metrics = codec.decode_metrics_declared(wanted.tracked_metrics)
    if {(m.name, m.split) for m in metrics} != {
        (m.name, m.split) for m in codec.decode_metrics_declared(stored.tracked_metrics)
    }:
        found.append("metrics")
    if codec.decode_algorithm(wanted.algorithm) != codec.decode_algorithm(stored.algorithm):
        found.append("algorithm")
    lease, stored_lease = wanted.lease_policy, codec.decode_lease(stored.lease_policy)
    if lease.HasField("lease_duration") and codec.decode_lease(lease).duration_s != stored_lease.duration_s:
        found.append("lease_s")
    if lease.max_attempts and lease.max_attempts != stored_lease.max_attempts:
        found.append("max_attempts")
    if wanted.replicates and wanted.replicates != stored.replicates:
        found.append("replicates")
    if wanted.HasField("seed") and wanted.seed != stored.seed:
        found.append("seed")
    return found


def changeable_differences(wanted: study_pb2.Study, stored: study_pb2.Study) -> list[str]:
    """Which rules and limits differ that `Study.update` could change."""
    mine, theirs = codec.decode_stopping(wanted.stopping_rules), codec.decode_stopping(stored.stopping_rules)
    names = ("max_trials", "target", "patience", "deadline")
    found = [name for name in names if getattr(mine, name) != getattr(theirs, name)]
    if wanted.max_running_trials != stored.max_running_trials:
        found.append("max_running")
    if wanted.HasField("max_staleness") and wanted.max_staleness != stored.max_staleness:
        found.append("max_staleness")
    return found


def _which(wanted: study_pb2.Study, stored: study_pb2.Study) -> str:
    def differing() -> Iterator[str]:
        mine, theirs = codec.decode_space(wanted.search_space), codec.decode_space(stored.search_space)
        for name in dict.fromkeys([*mine, *theirs]):
            if mine.get(name) != theirs.get(name):
                yield name

    names = list(differing())
    return f" ({', '.join(names[:5])}{', …' if len(names) > 5 else ''})" if names else ""
