"""Notes, and annotations that come with a result, through either client."""

from __future__ import annotations

from typing import Any

import pytest

import asktell
from tests.integration.client.conftest import do

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
