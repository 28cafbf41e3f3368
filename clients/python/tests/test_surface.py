"""What the package exports, and that both clients have the same surface."""

from __future__ import annotations

import inspect
import multiprocessing
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import asktell
from asktell import StudyChanges, StudyOptions, StudyView
from asktell._core import methods
from asktell._core.fields import fields_of
from asktell._core.study_view import STUDY_FIELDS
from asktell.v1 import analysis_service_pb2, study_pb2, study_service_pb2, suggestion_service_pb2, trial_service_pb2

CONTRACT = [study_service_pb2, trial_service_pb2, suggestion_service_pb2, analysis_service_pb2]
TWINS = [
    (asktell.Client, asktell.AsyncClient),
    (asktell.Study, asktell.AsyncStudy),
    (asktell.Trial, asktell.AsyncTrial),
    (asktell.Plots, asktell.AsyncPlots),
]


def test_all_is_what_is_exported() -> None:
    for name in asktell.__all__:
        assert getattr(asktell, name) is not None  # also what is loaded at its first use
    exported = {
        name for name, value in vars(asktell).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert exported | {"__version__"} == set(asktell.__all__)
    assert len(asktell.__all__) == len(set(asktell.__all__))


def test_importing_is_light() -> None:
    program = "import asktell, sys; print([m for m in ('torch', 'numpy', 'yaml', 'rich', 'click', 'altair', 'pandas', 'polars') if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_typed() -> None:
    assert (Path(asktell.__file__).parent / "py.typed").exists()


@pytest.mark.parametrize(("sync", "asynchronous"), TWINS)
def test_both_clients_have_the_same_methods(sync: type, asynchronous: type) -> None:
    def public(kind: type) -> dict[str, Any]:
        return {name: value for name, value in inspect.getmembers(kind) if not name.startswith("_")}

    mine, theirs = public(sync), public(asynchronous)
    assert mine.keys() == theirs.keys()
    for name, method in mine.items():
        if inspect.isfunction(method):
            ours = [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]
            other = [(p.name, p.kind, p.default) for p in inspect.signature(theirs[name]).parameters.values()]
            assert ours == other, name


@pytest.mark.parametrize("contract", CONTRACT)
def test_every_method_of_the_contract_is_there(contract: Any) -> None:
    known = {each.path: each for each in vars(methods).values() if isinstance(each, methods.Method)}
    for service in contract.DESCRIPTOR.services_by_name.values():
        for method in service.methods:
            mine = known[f"/{service.full_name}/{method.name}"]
            assert mine.request.DESCRIPTOR is method.input_type
            assert mine.response.DESCRIPTOR is method.output_type


def test_the_table_of_fields_has_all_options() -> None:
    assert StudyOptions.__annotations__.keys() == STUDY_FIELDS.keys()
    assert StudyChanges.__annotations__.keys() == {name for name, field in STUDY_FIELDS.items() if field.changeable}


def test_every_field_of_the_contract_is_shown() -> None:
    shown = {field.path.partition(".")[0] for field in fields_of(StudyView)}
    by_hand = {"state", "finish_reason", "trial_counts", "warnings", "hypervolume"}
    assert shown | by_hand == {field.name for field in study_pb2.Study.DESCRIPTOR.fields}
    assert shown & by_hand == set()


def test_what_the_server_said_cannot_be_set() -> None:
    view = StudyView(study_pb2.Study(seed=7))
    with pytest.raises(AttributeError, match=r"StudyView\.seed cannot be set"):
        view.seed = 8
    assert view.seed == 7
    assert StudyView.seed.__doc__ == "Seed of everything random in the study."


def _in_a_child(address: str) -> str:
    with asktell.Client(address) as client:
        return client.study("lora").id


def test_works_in_a_spawned_process(scripted: Any) -> None:
    from asktell.v1 import study_pb2

    scripted.answer("StudyService/GetStudy", study_pb2.Study(name="projects/default/studies/lora"))
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(_in_a_child, (scripted.address,)) == "lora"
