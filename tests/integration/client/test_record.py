"""Notes, and annotations that come with a result, through either client."""

from __future__ import annotations

from typing import Any

import pytest

import asktell
from tests.integration.client.conftest import SPACE, do

pytestmark = pytest.mark.xdist_group("client")


async def test_notes(client: Any, study: Any) -> None:
    await do(study.update(note="why\nwe look"))
    assert (await do(client.study("s"))).note == "why\nwe look"
    await do(study.update(note=None))
    assert study.note == ""
    with pytest.raises(asktell.InvalidArgument, match="16384 bytes"):
        await do(study.update(note="x" * 16_385))
    trial = await do(study.ask())
    await do(trial.set_note("a hunch"))
    await do(trial.tell(loss=0.5))
    assert (await do(study.trial(1))).note == "a hunch"
    await do(trial.set_note(""))
    assert trial.note == ""
    with pytest.raises(TypeError, match="note must be a string"):
        await do(trial.set_note(7))


async def test_annotations_with_a_result(study: Any) -> None:
    told = {
        "tell": lambda trial: trial.tell({"loss": 0.5}, annotations={"run.host": "a"}, acc=1),
        "stop": lambda trial: trial.stop(loss=0.5, annotations={"run.host": "a"}),
        "fail": lambda trial: trial.fail("diverged", annotations={"run.host": "a"}),
        "infeasible": lambda trial: trial.infeasible("too large", annotations={"run.host": "a"}),
    }
    for name, tell in told.items():
        trial = await do(study.ask())
        await do(trial.annotate(kept="yes"))
        await do(tell(trial))
        assert trial.annotations == {"kept": "yes", "run.host": "a"}, name
    with pytest.raises(TypeError, match="annotations\\['seed'\\] must be a string"):
        await do((await do(study.ask())).tell(loss=0.5, annotations={"seed": 7}))


async def test_comparing(client: Any, study: Any) -> None:
    for loss in (0.5, 0.25):
        await do((await do(study.ask())).tell(loss=loss, annotations={"run.host": str(loss)}))
    compared = await do(study.compare(1, 2))
    assert (compared.left, compared.right) == (f"{study.name}/trials/1", f"{study.name}/trials/2")
    (metric,) = [each for each in compared.differing if each.group == "metric"]
    assert (metric.name, metric.left, metric.right, metric.change, metric.better) == ("loss", 0.5, 0.25, -0.25, "right")
    assert ("run", "host", "0.5") in {(each.group, each.name, each.left) for each in compared.differing}
    with pytest.raises(asktell.TrialNotFound):
        await do(study.compare(1, 7))
    other = await do(
        client.create_study("t", space=SPACE, objectives=asktell.Minimize("loss"), metrics=["acc"], algorithm="sobol")
    )
    for with_it in (other, "t"):
        compared = await do(study.compare_with(with_it))
        assert compared.right == other.name
        settings = {each.name for each in compared.differing if each.group == "setting"}
        assert settings == {"algorithm", "seed"}
        assert {each.name for each in compared.same if each.group == "parameter"} == set(SPACE)
    with pytest.raises(asktell.StudyNotFound):
        await do(study.compare_with("nobody"))
