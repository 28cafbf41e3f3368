"""A page of large studies or trials ends when it holds enough bytes, and the next one goes on behind it."""

from __future__ import annotations

from typing import Any

from asktell.v1 import search_space_pb2, study_pb2, study_service_pb2, trial_pb2, trial_service_pb2
from asktell_server.engine.workers.pool import WorkerPool
from asktell_server.protocols.asktell_v1 import paging
from asktell_server.protocols.asktell_v1.study_servicer import StudyServicer
from asktell_server.protocols.asktell_v1.trial_servicer import TrialServicer
from asktell_server.service.clock import utc_now
from asktell_server.service.use_cases import build_use_cases
from asktell_server.store.memory import MemoryLedger

CALL: Any = None
"""Handlers of these methods look at nothing of their call."""

TITLE = {"title": "x" * 60_000}


def _study() -> study_pb2.Study:
    domain = search_space_pb2.FloatDomain(min=0, max=1)
    study = study_pb2.Study(
        search_space=search_space_pb2.SearchSpace(
            parameters=[search_space_pb2.Parameter(name="x", float_domain=domain)]
        ),
        objectives=[study_pb2.Objective(metric="loss", goal=study_pb2.GOAL_MINIMIZE)],
        annotations=TITLE,
    )
    study.algorithm.random.SetInParent()
    return study


async def test_large_trials_come_in_several_pages() -> None:
    use_cases = build_use_cases(MemoryLedger(), WorkerPool(workers=1), utc_now)
    studies, trials = StudyServicer(use_cases.studies, utc_now), TrialServicer(use_cases)
    await studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_id="s", study=_study()), CALL)
    past = [
        trial_service_pb2.ImportedTrial(
            import_key=str(index),
            parameters={"x": search_space_pb2.ParameterValue(double_value=index / 400)},
            metrics={"loss": trial_pb2.Metric(value=index)},
            annotations=TITLE,
        )
        for index in range(400)
    ]
    await trials.ImportTrials(trial_service_pb2.ImportTrialsRequest(study="s", trials=past), CALL)

    pages = []
    request = trial_service_pb2.ListTrialsRequest(parent="s", page_size=1000)
    while True:
        page = await trials.ListTrials(request, CALL)
        pages.append(page)
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert [trial.number for page in pages for trial in page.trials] == list(range(1, 401))
    assert len(pages) == 3
    assert all(page.ByteSize() < paging.PAGE_BYTES + 100_000 for page in pages)


async def test_large_studies_come_in_several_pages() -> None:
    studies = StudyServicer(build_use_cases(MemoryLedger(), WorkerPool(workers=1), utc_now).studies, utc_now)
    wanted = [f"s{index:03}" for index in range(160)]
    for name in wanted:
        await studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_id=name, study=_study()), CALL)
    sizes, names = [], []
    request = study_service_pb2.ListStudiesRequest(page_size=150)
    while True:
        page = await studies.ListStudies(request, CALL)
        sizes.append(len(page.studies))
        names += [study.name.rpartition("/")[2] for study in page.studies]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert names == wanted
    assert len(sizes) == 2
    assert sizes[0] < 150
