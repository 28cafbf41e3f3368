"""HTTP/JSON: every RPC over plain HTTP/1.1, with the same answers, errors, token and drain as over gRPC."""

from __future__ import annotations

import base64
import http.client
import json
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.rpc import error_details_pb2

from tests.support.http_json import SPACE, STUDY, Http, http_address
from tests.support.readme import blocks
from tests.support.server import ServerProcess
from tests.toolchains import require

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("http"), arguments=["--http", "127.0.0.1:0"]) as server:
        yield server


@pytest.fixture
def http_(server: ServerProcess) -> Iterator[Http]:
    client = Http(http_address(server))
    yield client
    client.close()


def test_the_whole_loop(http_: Http) -> None:
    study = http_.ok("StudyService/CreateStudy", {"studyId": "loop", "study": STUDY})
    assert study["name"] == "projects/default/studies/loop"
    assert study["seed"] == "7"
    for loss in (0.5, 0.25, 0.75):
        (trial,) = http_.ok("TrialService/Ask", {"study": "loop", "workerId": "curl"})["trials"]
        assert 0 <= trial["parameters"]["x"]["doubleValue"] <= 1
        assert 1 <= int(trial["parameters"]["n"]["intValue"]) <= 9
        reported = http_.ok(
            "TrialService/Report",
            {"name": trial["name"], "leaseId": trial["leaseId"], "step": 1, "metrics": {"loss": {"value": 1}}},
        )
        assert reported["leaseValid"]
        told = http_.ok(
            "TrialService/Tell",
            {"name": trial["name"], "leaseId": trial["leaseId"], "metrics": {"loss": {"value": loss}}},
        )
        assert told["trial"]["state"] == "TRIAL_STATE_SUCCEEDED"
    (best,) = http_.ok("TrialService/ListBestTrials", {"parent": "loop"})["trials"]
    assert best["metrics"]["loss"]["value"] == 0.25


def test_errors_carry_status_reason_and_details(http_: Http) -> None:
    status, answer, headers = http_.call("TrialService/Ask", {"study": "nowhere"})
    assert (status, answer["code"], headers["asktell-error-reason"]) == (404, "not_found", "STUDY_NOT_FOUND")
    (detail,) = answer["details"]
    value = detail["value"]
    info = error_details_pb2.ErrorInfo.FromString(base64.b64decode(value + "=" * (-len(value) % 4)))
    assert detail["type"] == "google.rpc.ErrorInfo"
    assert info.metadata["name"] == "projects/default/studies/nowhere"
    _, _, headers = http_.call("TrialService/Ask", {"study": "NOT A NAME"})
    assert (headers["asktell-error-reason"], headers["asktell-error-field"]) == ("INVALID_FIELD", "study")


@pytest.mark.parametrize(
    "body", ['{"studdy": "x"}', '{"study": 3}', '{"count": "many"}', "{", '["study"]', '{"study": "a", "count": 1e99}']
)
def test_what_is_not_the_messages_json_is_refused(http_: Http, body: str) -> None:
    status, answer, _ = http_.call("TrialService/Ask", body)
    assert (status, answer["code"]) == (400, "invalid_argument")
    assert "asktell.v1.AskRequest" in answer["message"]


def test_an_unavailable_trial_says_when_to_ask_again(http_: Http) -> None:
    study = {**STUDY, "maxRunningTrials": 1}
    http_.ok("StudyService/CreateStudy", {"studyId": "one-at-a-time", "study": study})
    http_.ok("TrialService/Ask", {"study": "one-at-a-time"})
    status, answer, headers = http_.call("TrialService/Ask", {"study": "one-at-a-time"})
    assert (status, headers["asktell-error-reason"]) == (429, "NO_TRIAL_AVAILABLE"), answer
    assert int(headers["retry-after"]) >= 1


def test_the_same_request_id_gets_the_same_answer(http_: Http) -> None:
    http_.ok("StudyService/CreateStudy", {"studyId": "again", "study": STUDY})
    first = http_.ok("TrialService/Ask", {"study": "again", "requestId": "r1"})["trials"][0]
    again = http_.ok("TrialService/Ask", {"study": "again", "requestId": "r1"})["trials"][0]
    assert (again["name"], again["leaseId"]) == (first["name"], first["leaseId"])


def test_watch_streams_changes(server: ServerProcess, http_: Http) -> None:
    http_.ok("StudyService/CreateStudy", {"studyId": "watched", "study": STUDY})
    http_.ok("TrialService/Ask", {"study": "watched"})
    host, _, port = http_address(server).rpartition(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=30)
    message = json.dumps({"study": "watched"}).encode()
    envelope = struct.pack(">BI", 0, len(message)) + message  # Connect's framing of streams
    connection.request(
        "POST", "/asktell.v1.TrialService/WatchStudy", envelope, {"content-type": "application/connect+json"}
    )
    response = connection.getresponse()
    changes: list[dict[str, Any]] = []
    while len(changes) < 2:
        flags, length = struct.unpack(">BI", response.read(5))
        assert flags == 0
        changes.append(json.loads(response.read(length)))
    assert [next(key for key in change if key != "cursor") for change in changes] == ["study", "trial"]
    connection.close()


def test_health(http_: Http) -> None:
    assert http_.get("/healthz") == (200, b"SERVING\n")


def test_the_bash_of_the_readme(server: ServerProcess, http_: Http) -> None:
    for tool in ("bash", "curl", "jq", "awk"):
        require(tool)
    (block,) = blocks(ROOT / "README.md", "bash")
    script = block.replace("127.0.0.1:8080", http_address(server))
    for _ in range(2):  # a second run goes on with the study, which is complete
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
        assert abs(json.loads(done.stdout)["x"]["doubleValue"]) <= 5
        assert done.stderr == ""
    study = http_.ok("StudyService/GetStudy", {"name": "curl"})
    assert (study["state"], study["trialCounts"]) == ("STUDY_STATE_FINISHED", {"succeeded": 10})
    wrong = subprocess.run(
        ["bash", "-c", script.replace('"floatDomain": {"min": -5', '"floatDomain": {"min": 9')],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "INVALID_FIELD" in wrong.stderr
    assert "not completed: {" in wrong.stderr


def test_analysis(http_: Http) -> None:
    study = http_.ok("StudyService/CreateStudy", {"studyId": "analysed", "study": STUDY})["name"]
    trials = [
        {
            "importKey": str(n),
            "parameters": {"x": {"doubleValue": n / 9}, "n": {"intValue": n}},
            "metrics": {"loss": {"value": n / 10}},
        }
        for n in range(1, 10)
    ]
    http_.ok("TrialService/ImportTrials", {"study": study, "trials": trials})
    asked = {"parent": study, "configurations": [{"parameters": trials[4]["parameters"]}]}
    answer = http_.ok("AnalysisService/PredictOutcomes", asked)
    assert answer["resultCount"] == 9
    assert 0.4 < answer["predictions"][0]["beliefs"]["loss"]["mean"] < 0.6
    importances = http_.ok("AnalysisService/GetImportances", {"parent": study})["importances"]
    assert importances[-1]["parameters"] == ["x", "n"]
    sliced = http_.ok("AnalysisService/GetSlice", {"parent": study, "parameters": ["n"], "resolution": 3})
    assert [point["parameters"]["n"]["intValue"] for point in sliced["points"]] == ["1", "5", "9"]
    assert len(http_.ok("AnalysisService/CrossValidate", {"parent": study})["results"]) == 9
    status, error, _ = http_.call("AnalysisService/GetTradeOffs", {"parent": study})
    assert (status, error["code"]) == (400, "failed_precondition")
    status, error, _ = http_.call("AnalysisService/PredictOutcomes", {**asked, "metric": "perplexity"})
    assert (status, error["code"]) == (400, "invalid_argument")


def test_a_study_file_becomes_a_study(http_: Http) -> None:
    text = (ROOT / "examples" / "digits.yaml").read_text(encoding="utf-8")
    study = http_.ok("StudyService/CreateStudy", {"studyFile": text})
    assert study["name"] == "projects/default/studies/digits"
    assert study["stoppingRules"] == {"maxTrials": 60}


def test_a_mistake_in_a_study_file_names_the_line(http_: Http) -> None:
    body = {"studyFile": "name: s\nobjectives: [{metric: loss, goal: smallest}]\nparameters: {}\n"}
    status, answer, headers = http_.call("StudyService/CreateStudy", body)
    assert (status, headers["asktell-error-reason"]) == (400, "INVALID_STUDY_FILE")
    assert answer["message"].startswith("2:35: objectives[0].goal: must be one of minimize, maximize")


def test_token_and_drain(tmp_path: Path) -> None:
    arguments = ["--http", "127.0.0.1:0"]
    with ServerProcess(
        tmp_path, stateless=True, arguments=arguments, environment={"ASKTELL_TOKEN": "s3cret"}
    ) as server:
        address = http_address(server)
        body = {"problem": {"searchSpace": SPACE, "objectives": STUDY["objectives"]}, "count": 2}
        stranger = Http(address)
        status, _, headers = stranger.call("SuggestionService/Suggest", body)
        stranger.close()
        assert (status, headers["asktell-error-reason"]) == (401, "UNAUTHENTICATED")
        client = Http(address, token="s3cret")
        assert len(client.ok("SuggestionService/Suggest", body)["suggestions"]) == 2
        status, _, headers = client.call("StudyService/GetStudy", {"name": "x"})
        assert (status, headers["asktell-error-reason"]) == (501, "STATELESS_SERVER")
        client.close()
        assert server.terminate() == 0
