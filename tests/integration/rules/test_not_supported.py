"""What the contract has and the server does not do yet is refused with the field's name, never ignored."""

from __future__ import annotations

from typing import Any

import pytest

from asktell.v1 import study_pb2
from tests.integration.rules.conftest import NewStudy
from tests.support.rpc import refused

EARLY_STOPPING: list[tuple[dict[str, Any], str]] = [
    ({"early_stopping": study_pb2.EarlyStopping(auto=study_pb2.AutoStopping())}, "early_stopping.auto"),
    ({"early_stopping": study_pb2.EarlyStopping(wilcoxon=study_pb2.WilcoxonStopping())}, "early_stopping.wilcoxon"),
]


@pytest.mark.parametrize(("fields", "field"), EARLY_STOPPING)
def test_create_study_refuses_it(new_study: NewStudy, fields: dict[str, Any], field: str) -> None:
    what = refused(lambda: new_study(**fields))
    assert (what.code.name, what.reason) == ("UNIMPLEMENTED", "NOT_SUPPORTED")
    assert what.metadata == {"field": f"study.{field}"}


def test_update_study_refuses_early_stopping_by_a_model(new_study: NewStudy) -> None:
    what = refused(lambda: new_study().update("early_stopping", **EARLY_STOPPING[0][0]))
    assert (what.code.name, what.reason, what.metadata["field"]) == (
        "UNIMPLEMENTED",
        "NOT_SUPPORTED",
        "study.early_stopping.auto",
    )
