"""What callbacks do whatever the framework is: they report past an outage, and say what has to be installed."""

from __future__ import annotations

import importlib
import subprocess
import sys

import grpc
import pytest

import asktell
from asktell.integrations.reporting import Reporter
from asktell.v1 import study_pb2, trial_pb2, trial_service_pb2
from tests.support.scripted_server import ScriptedServer, refusal

NAME = "projects/default/studies/s"


def scripted_study(scripted: ScriptedServer) -> None:
    study = study_pb2.Study(name=NAME, state=study_pb2.STUDY_STATE_ACTIVE)
    study.objectives.add(metric="loss", goal=study_pb2.GOAL_MINIMIZE)
    trial = trial_pb2.Trial(name=f"{NAME}/trials/1", number=1, lease_id="L", state=trial_pb2.TRIAL_STATE_RUNNING)
    scripted.answer("StudyService/GetStudy", study)
    scripted.answer("TrialService/Ask", trial_service_pb2.AskResponse(trials=[trial]))
    scripted.answer("TrialService/Tell", trial_service_pb2.TellResponse(trial=trial))
    scripted.answer("TrialService/ReleaseTrial", trial)


def test_a_server_that_is_away_costs_a_point_of_the_curve(
    scripted: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    scripted_study(scripted)
    well = trial_service_pb2.ReportResponse(lease_valid=True)
    away = refusal(grpc.StatusCode.DEADLINE_EXCEEDED)
    stop = trial_service_pb2.ReportResponse(lease_valid=True, should_stop=True)
    scripted.answer("TrialService/Report", well, away, stop)
    with asktell.Client(scripted.address) as client:
        reporter = Reporter(client.study("s").ask())
        assert [reporter._report(step, {"loss": 1 / step, "other": 0}) for step in (1, 2, 3)] == [False, False, True]
        assert "trial 1: step 2 was not reported" in caplog.text
        reporter.tell()
    (told,) = [call.request for call in scripted.calls if call.method.endswith("/Tell")]
    assert told.outcome == trial_service_pb2.TELL_OUTCOME_STOPPED
    assert {name: metric.value for name, metric in told.metrics.items()} == {"loss": 1 / 3}


def test_a_lost_lease_ends_the_training_and_nothing_is_told(scripted: ScriptedServer) -> None:
    scripted_study(scripted)
    lost = trial_service_pb2.ReportResponse(lease_valid=False, should_stop=True, stop_reason="another worker has it")
    scripted.answer("TrialService/Report", lost)
    with asktell.Client(scripted.address) as client, client.study("s").ask() as trial:
        reporter = Reporter(trial, "loss")
        assert reporter._report(1, {"loss": 1.0})
        assert reporter._report(2, {"loss": 0.5})
        reporter.tell()
    reported = [call.request.step for call in scripted.calls if call.method.endswith("/Report")]
    assert reported == [1]
    assert not any(call.method.endswith(("/Tell", "/ReleaseTrial")) for call in scripted.calls)


def test_a_copy_that_reported_nothing_asks_whether_its_trial_was_to_stop(scripted: ScriptedServer) -> None:
    scripted_study(scripted)
    scripted.answer("TrialService/Report", trial_service_pb2.ReportResponse(lease_valid=True, should_stop=True))
    with asktell.Client(scripted.address) as client:
        Reporter(client.study("s").ask()).tell(loss=0.5)
    (told,) = [call.request for call in scripted.calls if call.method.endswith("/Tell")]
    assert told.outcome == trial_service_pb2.TELL_OUTCOME_STOPPED


class Absent:
    """Finds that packages are not installed."""

    def __init__(self, *packages: str) -> None:
        self._packages = packages

    def find_spec(self, name: str, path: object, target: object = None) -> None:
        if name in self._packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize("name", ["Lightning", "Transformers", "XGBoost", "LightGBM", "Keras"])
def test_without_its_framework_a_callback_says_how_to_install_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    integrations, extra = importlib.import_module("asktell.integrations"), name.lower()
    for module in list(sys.modules):  # of another test in this process
        if module == f"asktell.integrations.{extra}" or module.partition(".")[0] == extra:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Absent(extra, "pytorch_lightning"), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError, match=rf"needs {extra}, which is not .* pip install 'asktell\[{extra}\]'"):
        getattr(integrations, f"{name}Callback")


def test_the_package_imports_no_framework_by_itself() -> None:
    program = (
        "import sys, asktell.integrations as i; assert dir(i) == i.__all__; "
        "print([m for m in ('keras', 'lightgbm', 'lightning', 'torch', 'transformers', 'xgboost') if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"
    with pytest.raises(AttributeError, match="has no 'TorchCallback'; its callbacks are KerasCallback, Light"):
        _ = asktell.integrations.TorchCallback  # type: ignore[attr-defined]
