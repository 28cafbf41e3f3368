"""A page of large studies or trials ends when it holds enough bytes, and the next one goes on behind it."""

from __future__ import annotations

from asktell.v1 import study_service_pb2, trial_service_pb2
from asktell_server.protocols.asktell_v1 import paging
from asktell_server.protocols.asktell_v1.study_servicer import StudyServicer
from asktell_server.protocols.asktell_v1.trial_servicer import TrialServicer
from tests.support.rpc import a_study, metrics, values
from tests.unit.protocols.asktell_v1.conftest import CALL

TITLE = {"title": "x" * 60_000}


async def test_large_trials_come_in_several_pages(studies: StudyServicer, trials: TrialServicer) -> None:
    await studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_id="s", study=a_study()), CALL)
    past = [
        trial_service_pb2.ImportedTrial(
            import_key=str(index),
            parameters=values({"x": index / 400}),
            metrics=metrics(loss=index),
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


async def test_large_studies_come_in_several_pages(studies: StudyServicer) -> None:
    large = a_study(annotations=TITLE)
    wanted = [f"s{index:03}" for index in range(160)]
    for name in wanted:
        await studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_id=name, study=large), CALL)
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
