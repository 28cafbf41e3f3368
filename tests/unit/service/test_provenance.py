"""Every suggestion carries what it takes to make it again."""

from __future__ import annotations

from asktell_server import __version__
from asktell_server.domain.provenance import Fit, Provenance
from asktell_server.domain.trial import Origin
from asktell_server.engine.problem import Problem, Suggestion, SuggestResult
from asktell_server.engine.tasks.suggest import SuggestTask
from asktell_server.service.provenance import with_provenance
from tests.support.builders import NAME, a_study
from tests.unit.service.conftest import Services

STUDY = a_study()
PROBLEM = Problem(space=STUDY.space, goals=STUDY.goals, algorithm=STUDY.algorithm)
TASK = SuggestTask(
    problem=PROBLEM,
    history=PROBLEM.empty_history(),
    count=3,
    warm_start=b"before",
)
FIT = Fit(noise=0.1, length_scales=(1.0, 2.0, 3.0))
HERE = {"lr": 0.5, "layers": 2, "bias": True}


async def test_trials_know_the_position_in_the_log_and_their_place_in_the_batch(services: Services) -> None:
    await services.create()
    (first,) = await services.ask()
    assert first.provenance == Provenance(sequence=1, engine=__version__)
    batch = await services.ask(3)
    assert [trial.provenance for trial in batch] == [
        Provenance(sequence=2, count=3, index=index, engine=__version__) for index in range(3)
    ]
    (record,) = await services.ledger.read_trials(NAME, numbers=[batch[1].number])
    assert record is not None
    assert record.trial.provenance == batch[1].provenance


def test_what_the_model_used_is_kept_with_what_the_model_suggested() -> None:
    result = SuggestResult(
        suggestions=(
            Suggestion(parameters=HERE, origin=Origin.START),
            Suggestion(parameters=HERE, origin=Origin.MODEL),
        ),
        fits=(FIT,),
    )
    start, model = (suggestion.provenance for suggestion in with_provenance(TASK, result, sequence=9))
    assert start == Provenance(sequence=9, digest=TASK.history.digest(), count=3, engine=__version__)
    assert model == Provenance(
        sequence=9, digest=TASK.history.digest(), count=3, index=1, warm_start=b"before", fit=FIT, engine=__version__
    )


def test_why_the_model_was_not_used_is_kept_with_what_took_its_place() -> None:
    result = SuggestResult(
        suggestions=(Suggestion(parameters=HERE, origin=Origin.FALLBACK),), fallback_reason="no answer within 60 s" * 99
    )
    (suggestion,) = with_provenance(TASK, result, sequence=9)
    assert suggestion.provenance is not None
    assert suggestion.provenance.fit is None
    assert suggestion.provenance.fallback_reason.startswith("no answer within 60 s")
    assert len(suggestion.provenance.fallback_reason) == 500
