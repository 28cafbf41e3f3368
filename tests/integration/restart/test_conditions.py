"""Conditional parameters against a real server: both doors, every way in, and through a kill -9."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

import asktell
from tests.support.http_json import Http, http_address
from tests.support.server import ServerProcess

SPACE: asktell.Space = {
    "momentum": asktell.Float(0.0, 0.99, default=0.9, when={"opt": ["sgd"]}),
    "opt": asktell.Categorical(["sgd", "adam"], when={"train": [True]}),
    "train": asktell.Bool(),
    "lr": asktell.Float(1e-4, 1.0, log=True),
}
SMALL: asktell.Space = {
    "opt": asktell.Categorical(["sgd", "adam"]),
    "nesterov": asktell.Bool(when={"opt": ["sgd"]}),
    "beta": asktell.Discrete([0.9, 0.99, 0.999], when={"opt": ["adam"]}),
}


def _loss(params: Mapping[str, asktell.ParameterValue]) -> float:
    worse = 0.0 if params["train"] else 1.0
    return worse + abs(float(params["lr"]) - 0.1) + abs(float(params.get("momentum", 0.5)) - 0.4)


def _valid(params: Mapping[str, asktell.ParameterValue]) -> bool:
    names = (
        {"train", "lr"}
        | ({"opt"} if params["train"] else set())
        | ({"momentum"} if params.get("opt") == "sgd" else set())
    )
    return params.keys() == names


@pytest.mark.timeout(240)
def test_a_study_through_a_kill(tmp_path: Path) -> None:
    with (
        ServerProcess(tmp_path, arguments=["--http", "127.0.0.1:0"]) as server,
        asktell.Client(server.address) as client,
    ):
        study = client.create_study("cond", space=SPACE, objectives=asktell.Minimize("loss"), max_staleness=0)
        assert study.space == SPACE
        for _ in range(7):  # five of the start, two of the model
            trial = study.ask()
            assert _valid(trial.params)
            trial.tell(loss=_loss(trial.params))
        study.enqueue([{"train": True, "opt": "sgd", "lr": 0.1}, {"train": False, "lr": 0.1}])
        refused: tuple[tuple[dict[str, asktell.ParameterValue], str, str], ...] = (
            ({"train": True, "opt": "adam", "lr": 0.1, "momentum": 0.5}, "momentum", "is not active: opt is adam"),
            ({"train": False, "lr": 0.1, "momentum": 0.5}, "momentum", "is not active: train is false"),
            ({"train": True, "lr": 0.1}, "opt", "is missing; it exists where train is true"),
        )
        for params, name, message in refused:
            with pytest.raises(asktell.ValueOutsideSpace, match=message) as caught:
                study.enqueue([params])
            assert caught.value.metadata["parameter"] == name

        before = [(trial.params, trial.state) for trial in study.trials()]
        server.kill()
        server.restart()
        assert [(trial.params, trial.state) for trial in study.trials()] == before
        assert study.refresh().space == SPACE
        for expected in ({"momentum": 0.9, "opt": "sgd", "train": True, "lr": 0.1}, {"train": False, "lr": 0.1}):
            trial = study.ask()
            assert trial.params == expected
            assert list(trial.params) == list(expected)
            trial.tell(loss=_loss(trial.params))
        frame = study.dataframe("pandas")
        assert frame["param.momentum"].isna().tolist() == ["momentum" not in t.params for t in study.trials()]

        # The other door, where a person writes JSON; and a space that is tried out.
        http = Http(http_address(server))
        told = http.ok("TrialService/Ask", {"study": "cond", "workerId": "curl"})["trials"][0]
        assert ("momentum" in told["parameters"]) == (told["parameters"].get("opt") == {"stringValue": "sgd"})
        spec = http.ok("StudyService/GetStudy", {"name": "cond"})
        parameters = spec["searchSpace"]["parameters"]
        assert parameters[0]["condition"] == {"parent": "opt", "values": [{"stringValue": "sgd"}]}
        suggested = http.ok(
            "SuggestionService/Suggest",
            {
                "problem": {"searchSpace": spec["searchSpace"], "objectives": spec["objectives"]},
                "observations": [
                    {
                        "parameters": {"train": {"boolValue": False}, "lr": {"doubleValue": 0.5}},
                        "metrics": {"loss": {"value": 2}},
                    }
                ],
                "pending": [{"parameters": {"train": {"boolValue": False}, "lr": {"doubleValue": 0.25}}}],
                "count": 4,
            },
        )["suggestions"]
        for each in suggested:
            assert ("opt" in each["parameters"]) == (each["parameters"]["train"] == {"boolValue": True})
        http.close()

        small = client.create_study("small", space=SMALL, objectives=asktell.Minimize("loss"), max_staleness=0)
        assert small.message.configuration_count == 5
        seen: set[tuple[tuple[str, asktell.ParameterValue], ...]] = set()
        for loss in range(5):
            trial = small.ask()
            seen.add(tuple(trial.params.items()))
            trial.tell(loss=float(loss))
        with pytest.raises(asktell.StudyComplete):
            small.ask()
        assert len(seen) == 5
        assert small.refresh().finish_reason == asktell.FinishReason.EXHAUSTED
