"""A grid hands out each of its points exactly once, and then the study is complete."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc

from asktell.v1 import search_space_pb2, study_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import (
    StudyCalls,
    algorithm,
    code_and_reason,
    eventually,
    float_parameter,
    int_parameter,
    key,
    lease,
    raw_values,
    refusal,
    refused,
    space,
)

WORKERS = 8


def _work(study: StudyCalls) -> list[tuple[object, ...]]:
    """Asks and tells until the study is complete; the configurations it got."""
    done: list[tuple[object, ...]] = []

    def step() -> bool:
        try:
            trial = study.ask_one()
        except grpc.RpcError as error:
            reason = refusal(error).reason
            if reason == "NO_TRIAL_AVAILABLE":
                return False
            assert reason == "STUDY_COMPLETE", reason  # what every worker ends with
            return True
        done.append(key(trial))
        study.tell(trial, 0.5)
        return False

    eventually(step, what="the grid is exhausted", interval_s=0.01)
    return done


def test_eight_workers_run_every_point_exactly_once(new_study: NewStudy) -> None:
    study = new_study(
        search_space=space(
            float_parameter("x"),
            int_parameter("n", 1, 3),
            search_space_pb2.Parameter(
                name="c", categorical_domain=search_space_pb2.CategoricalDomain(values=["a", "b"])
            ),
        ),
        algorithm=algorithm("grid", default_levels=5),
    )
    with ThreadPoolExecutor(WORKERS) as pool:
        points = [point for done in pool.map(_work, [study] * WORKERS) for point in done]
    assert len(points) == len(set(points)) == 5 * 3 * 2
    finished = study.get()
    assert (finished.state, finished.finish_reason) == (
        study_pb2.STUDY_STATE_FINISHED,
        study_pb2.FINISH_REASON_EXHAUSTED,
    )
    what = refused(study.ask_one)
    assert what.metadata["finish_reason"] == "EXHAUSTED"


def test_a_grid_contains_its_ends(new_study: NewStudy) -> None:
    study = new_study(search_space=space(float_parameter("x", 1.0, 2.0)), algorithm=algorithm("grid", default_levels=5))
    assert sorted(raw_values(trial)["x"] for trial in study.ask(100)) == [1.0, 1.25, 1.5, 1.75, 2.0]


def test_a_grid_is_not_complete_while_a_point_runs(new_study: NewStudy) -> None:
    study = new_study(search_space=space(int_parameter("n", 1, 2)), algorithm=algorithm("grid"), lease_policy=lease(1))
    first, second = study.ask(5)
    study.tell(first, 0.5)
    assert code_and_reason(study.ask_one) == ("RESOURCE_EXHAUSTED", "NO_TRIAL_AVAILABLE")
    assert study.get().state == study_pb2.STUDY_STATE_ACTIVE
    assert _work(study) == [key(second)], "its worker died, another one runs the point"
    assert study.get().finish_reason == study_pb2.FINISH_REASON_EXHAUSTED


def test_failed_points_are_not_run_again(new_study: NewStudy) -> None:
    study = new_study(search_space=space(int_parameter("n", 1, 3)), algorithm=algorithm("grid"))
    for trial in study.ask(3):
        study.tell(trial, outcome=3)
    assert code_and_reason(study.ask_one) == ("FAILED_PRECONDITION", "STUDY_COMPLETE")


def test_a_grid_of_more_than_a_million_points_is_refused(new_study: NewStudy) -> None:
    parameters = [float_parameter(f"p{index}") for index in range(20)]
    what = refused(lambda: new_study(search_space=space(*parameters), algorithm=algorithm("grid")))
    assert (what.code.name, what.reason) == ("INVALID_ARGUMENT", "GRID_TOO_LARGE")
    assert (what.fields, what.metadata["size"]) == (["study.algorithm.grid"], str(5**20))


def test_a_large_grid_is_served_at_once(new_study: NewStudy) -> None:
    parameters = [float_parameter(f"p{index}") for index in range(6)]
    study = new_study(search_space=space(*parameters), algorithm=algorithm("grid", default_levels=10))
    assert len({key(trial) for trial in study.ask(50)}) == 50
