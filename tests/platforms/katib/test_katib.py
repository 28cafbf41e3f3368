"""Katib's controller, played by its own protocol against a real server."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc_health.v1 import health_pb2

from asktell_server.protocols.katib.wire import api_pb2
from tests.support.server import ServerProcess

pytestmark = pytest.mark.timeout(400)  # servers and processes load torch, which takes long on a busy machine

ROOT = Path(__file__).parents[3]
SERVICE = "/api.v1.beta1.Suggestion"
Assignments = dict[str, str]
Status = api_pb2.TrialStatus


class Katib:
    """A connection to a suggestion service."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel

    def call(self, method: str, request: Any, answer: Any) -> Any:
        return self._channel.unary_unary(method, request.SerializeToString, answer.FromString)(request, timeout=60)

    def validate(self, experiment: api_pb2.Experiment) -> str:
        """Why the experiment is refused; "" = it is not."""
        request = api_pb2.ValidateAlgorithmSettingsRequest(experiment=experiment)
        method: Any = self._channel.unary_unary(f"{SERVICE}/ValidateAlgorithmSettings")
        called = method.future(request.SerializeToString(), timeout=60)
        if called.code() is grpc.StatusCode.OK:
            return ""
        if called.code() is not grpc.StatusCode.INVALID_ARGUMENT:
            raise RuntimeError(f"to Katib this is no refusal: {called.code()}")
        return str(called.details())

    def suggest(
        self, experiment: api_pb2.Experiment, trials: Sequence[api_pb2.Trial] = (), count: int = 1
    ) -> list[Assignments]:
        return as_dicts(self.reply(experiment, trials, count))

    def reply(
        self, experiment: api_pb2.Experiment, trials: Sequence[api_pb2.Trial] = (), count: int = 1
    ) -> api_pb2.GetSuggestionsReply:
        request = api_pb2.GetSuggestionsRequest(
            experiment=experiment,
            trials=trials,
            current_request_number=count,
            total_request_number=len(trials) + count,
        )
        reply: api_pb2.GetSuggestionsReply = self.call(
            f"{SERVICE}/GetSuggestions", request, api_pb2.GetSuggestionsReply
        )
        assert len(reply.parameter_assignments) == count
        return reply


def as_dicts(reply: api_pb2.GetSuggestionsReply) -> list[Assignments]:
    return [{each.name: each.value for each in one.assignments} for one in reply.parameter_assignments]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with ServerProcess(tmp_path_factory.mktemp("katib"), command="katib") as running:
        yield running


@pytest.fixture(scope="module")
def katib(server: ServerProcess) -> Iterator[Katib]:
    with grpc.insecure_channel(server.address) as channel:
        yield Katib(channel)


def double(name: str, low: str, high: str, step: str = "", distribution: str = "UNIFORM") -> api_pb2.ParameterSpec:
    space = api_pb2.FeasibleSpace(min=low, max=high, step=step, distribution=api_pb2.Distribution.Value(distribution))
    return api_pb2.ParameterSpec(name=name, parameter_type=api_pb2.DOUBLE, feasible_space=space)


def integer(name: str, low: str, high: str, step: str = "") -> api_pb2.ParameterSpec:
    space = api_pb2.FeasibleSpace(min=low, max=high, step=step)
    return api_pb2.ParameterSpec(name=name, parameter_type=api_pb2.INT, feasible_space=space)


def listed(name: str, values: Sequence[str], *, numbers: bool = False) -> api_pb2.ParameterSpec:
    kind = api_pb2.DISCRETE if numbers else api_pb2.CATEGORICAL
    return api_pb2.ParameterSpec(
        name=name, parameter_type=kind, feasible_space=api_pb2.FeasibleSpace(list=list(values))
    )


def experiment(
    *parameters: api_pb2.ParameterSpec,
    algorithm: str = "bayesianoptimization",
    settings: dict[str, str] | None = None,
    maximize: bool = False,
    trials: int = 0,
) -> api_pb2.Experiment:
    chosen = [api_pb2.AlgorithmSetting(name=name, value=value) for name, value in (settings or {}).items()]
    return api_pb2.Experiment(
        name="random-example",
        spec=api_pb2.ExperimentSpec(
            parameter_specs=api_pb2.ExperimentSpec.ParameterSpecs(parameters=parameters),
            objective=api_pb2.ObjectiveSpec(
                type=api_pb2.MAXIMIZE if maximize else api_pb2.MINIMIZE, objective_metric_name="loss"
            ),
            algorithm=api_pb2.AlgorithmSpec(algorithm_name=algorithm, algorithm_settings=chosen),
            max_trial_count=trials,
        ),
    )


def trial(
    assignments: Assignments, value: object = None, condition: Status.TrialConditionType.ValueType = Status.SUCCEEDED
) -> api_pb2.Trial:
    metrics = [] if value is None else [api_pb2.Metric(name="loss", value=str(value))]
    given = [api_pb2.ParameterAssignment(name=key, value=each) for key, each in assignments.items()]
    return api_pb2.Trial(
        name="trial",
        spec=api_pb2.TrialSpec(parameter_assignments=api_pb2.TrialSpec.ParameterAssignments(assignments=given)),
        status=api_pb2.TrialStatus(condition=condition, observation=api_pb2.Observation(metrics=metrics)),
    )


MIXED = (
    double("--lr", "1e-5", "1e-1", distribution="LOG_UNIFORM"),
    integer("--layers", "1", "5"),
    listed("--batch", ["16", "32", "64.0"], numbers=True),
    listed("--optimizer", ["sgd", "adam"]),
    double("--momentum", "0.5", "0.9", step="0.1"),
    listed("--dataset", ["mnist"]),
)


# ------------------------------------------------------------------------------------------------------ suggestions


@pytest.mark.parametrize(
    "algorithm",
    ["asktell", "bayesianoptimization", "tpe", "multivariate-tpe", "cmaes", "random", "sobol", "grid"],
)
def test_every_algorithm_gives_as_many_as_were_asked_for(katib: Katib, algorithm: str) -> None:
    parameters = MIXED if algorithm != "grid" else MIXED[1:]
    asked = experiment(*parameters, algorithm=algorithm)
    assert katib.validate(asked) == ""
    for suggestion in katib.suggest(asked, count=4):
        assert list(suggestion) == [each.name for each in parameters]
        assert suggestion["--batch"] in {"16", "32", "64.0"}
        assert suggestion["--optimizer"] in {"sgd", "adam"}
        assert suggestion["--dataset"] == "mnist"
        assert 1 <= int(suggestion["--layers"]) <= 5
        assert round(float(suggestion["--momentum"]), 9) in {0.5, 0.6, 0.7, 0.8, 0.9}


def test_an_experiment_finds_its_optimum(katib: Katib) -> None:
    asked = experiment(double("x", "0", "1"), double("y", "0.0001", "1", distribution="LOG_UNIFORM"), maximize=True)
    trials: list[api_pb2.Trial] = []
    for _ in range(25):
        [suggestion] = katib.suggest(asked, trials)
        x, y = float(suggestion["x"]), float(suggestion["y"])
        trials.append(trial(suggestion, -((x - 0.3) ** 2) - (math.log10(y) + 2) ** 2))
    best = max(float(each.status.observation.metrics[0].value) for each in trials)
    assert best > -1e-3


def test_the_same_request_gets_the_same_answer(katib: Katib) -> None:
    asked = experiment(*MIXED)
    trials = [trial(each, index) for index, each in enumerate(katib.suggest(asked, count=8))]
    assert katib.suggest(asked, trials, 2) == katib.suggest(asked, trials, 2)


def test_trials_that_run_and_those_that_are_not_visible_yet_are_not_suggested_again(katib: Katib) -> None:
    asked = experiment(listed("n", [str(number) for number in range(8)], numbers=True))
    first = katib.reply(asked, count=3)
    running = [trial(each, condition=Status.RUNNING) for each in as_dicts(first)[:1]]
    assert katib.validate(asked) == ""
    asked.spec.algorithm.algorithm_settings.extend(first.algorithm.algorithm_settings)  # as Katib does
    assert katib.validate(asked) == ""
    second = katib.reply(asked, running, 5)
    assert len({each["n"] for each in as_dicts(first) + as_dicts(second)}) == 8


def test_a_space_that_has_been_tried_whole_begins_again(katib: Katib) -> None:
    asked = experiment(listed("opt", ["a", "b", "c"]))
    trials = [trial({"opt": each}, 1.0) for each in "abc"]
    assert {each["opt"] for each in katib.suggest(asked, trials, 3)} <= {"a", "b", "c"}


def test_a_grid_has_every_point_once(katib: Katib) -> None:
    asked = experiment(integer("n", "1", "3"), double("x", "0", "1", step="0.5"), algorithm="grid", trials=9)
    assert katib.validate(asked) == ""
    points = {(each["n"], float(each["x"])) for each in katib.suggest(asked, count=9)}
    assert points == set(itertools.product("123", (0.0, 0.5, 1.0)))


def test_a_step_is_kept_on_a_logarithmic_scale(katib: Katib) -> None:
    asked = experiment(double("x", "1", "100", step="1", distribution="LOG_UNIFORM"))
    assert katib.validate(asked) == ""
    assert all(float(each["x"]) in range(1, 101) for each in katib.suggest(asked, count=5))


def test_a_normal_distribution_is_honoured(katib: Katib) -> None:
    normal = double("x", "0", "60", distribution="NORMAL")
    drawn = katib.suggest(experiment(normal, algorithm="random", settings={"random_state": "1"}), count=100)
    assert sum(20 <= float(each["x"]) <= 40 for each in drawn) > 50  # within a deviation; of a uniform one a third
    [first] = katib.suggest(experiment(normal))
    assert float(first["x"]) == pytest.approx(30)


@pytest.mark.parametrize(
    "useless",
    [
        trial({"x": "0.5"}, "unavailable"),
        trial({"x": "0.5"}, ""),
        trial({"x": "0.5"}, "nan"),
        trial({"x": "0.5"}, condition=Status.METRICSUNAVAILABLE),
        trial({"x": "0.5"}, condition=Status.KILLED),
        trial({"x": "0.5"}, condition=Status.FAILED),
        trial({"x": "0.5"}, condition=Status.CREATED),
        trial({"x": "7"}, 1.0),
        trial({"x": "many"}, 1.0),
        trial({"y": "0.5"}, 1.0),
        trial({}, 1.0),
    ],
    ids=[
        *("unavailable", "empty", "nan", "no metrics", "killed", "failed", "created", "outside", "no number"),
        *("another parameter", "no assignments"),
    ],
)
def test_trials_that_say_nothing_do_no_harm(katib: Katib, useless: api_pb2.Trial) -> None:
    asked = experiment(double("x", "0", "1"))
    trials = [trial(each, index) for index, each in enumerate(katib.suggest(asked, count=6))]
    assert len(katib.suggest(asked, [*trials, useless], 2)) == 2


def test_ten_thousand_trials_are_answered_within_katibs_deadline(katib: Katib) -> None:
    parameters = [double(f"x{index}", "0", "1") for index in range(8)]
    asked = experiment(*parameters)
    trials = [
        trial({f"x{place}": repr(math.modf(number * prime**0.5)[0]) for place, prime in enumerate(PRIMES)}, number)
        for number in range(10_000)
    ]
    assert len(katib.suggest(asked, trials, 3)) == 3  # the client gives it 60 s


PRIMES = (2, 3, 5, 7, 11, 13, 17, 19)


# ------------------------------------------------------------------------------------------------------ what is wrong

Change = Callable[[], api_pb2.Experiment]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: experiment(double("lr", "0", "1"), algorithm="enas"), "algorithmName"),
        (lambda: experiment(double("lr", "0", "1"), settings={"colour": "red"}), "unknown setting"),
        (lambda: experiment(double("lr", "0", "1"), settings={"n_initial_points": "-1"}), "at least 0, got '-1'"),
        (lambda: experiment(double("lr", "0", "1"), settings={"random_state": "9" * 16}), "at most 15 digits"),
        (lambda: experiment(integer("n", "1", "9" * 400)), "parameter n: feasibleSpace.max"),
        (lambda: experiment(double("lr", "0", "1"), settings={"acq_func": "UCB"}), "gp_hedge"),
        (lambda: experiment(double("lr", "a", "1")), "parameter lr: feasibleSpace.min must be a number, got 'a'"),
        (lambda: experiment(integer("n", "1.5", "4")), "parameter n: feasibleSpace.min must be a whole number"),
        (lambda: experiment(double("lr", "2", "1")), "min must be at most max"),
        (lambda: experiment(double("lr", "0", "inf")), "feasibleSpace.max must be finite"),
        (lambda: experiment(double("lr", "0", "1", distribution="LOG_UNIFORM")), "above 0"),
        (lambda: experiment(double("lr", "0", "1", step="0")), "feasibleSpace.step must be above 0"),
        (lambda: experiment(listed("opt", [])), "parameter opt: feasibleSpace.list must not be empty"),
        (lambda: experiment(listed("opt", ["1", "x"], numbers=True)), "must hold numbers"),
        (lambda: experiment(listed("opt", ["a", "x" * 300])), "parameter opt: feasibleSpace.list"),
        (lambda: experiment(), "1 to 100 parameters"),
        (lambda: experiment(api_pb2.ParameterSpec(name="p")), "parameterType"),
        (lambda: experiment(integer("n", "1", "3"), algorithm="grid", trials=4), "at most the grid's 3 points"),
        (lambda: api_pb2.Experiment(), "algorithmName"),
    ],
)
def test_what_is_wrong_is_refused_where_katib_looks(katib: Katib, wrong: Change, said: str) -> None:
    assert said in katib.validate(wrong())


def test_the_example_is_accepted(katib: Katib) -> None:
    spec = yaml.safe_load((ROOT / "deploy/katib/experiment.yaml").read_text())["spec"]
    parameters = [
        api_pb2.ParameterSpec(
            name=each["name"],
            parameter_type=api_pb2.ParameterType.Value(each["parameterType"].upper()),
            feasible_space=api_pb2.FeasibleSpace(
                **each["feasibleSpace"]
                | {"distribution": DISTRIBUTIONS[each["feasibleSpace"].get("distribution", "uniform")]}
            ),
        )
        for each in spec["parameters"]
    ]
    settings = {each["name"]: each["value"] for each in spec["algorithm"]["algorithmSettings"]}
    asked = experiment(
        *parameters, algorithm=spec["algorithm"]["algorithmName"], settings=settings, trials=spec["maxTrialCount"]
    )
    assert katib.validate(asked) == ""
    used = {each["reference"] for each in spec["trialTemplate"]["trialParameters"]}
    assert used == set(katib.suggest(asked)[0])


DISTRIBUTIONS = {"uniform": api_pb2.UNIFORM, "logUniform": api_pb2.LOG_UNIFORM}


# ---------------------------------------------------------------------------------------------------- around the calls


@pytest.mark.parametrize("name", ["", "manager.v1beta1.Suggestion", "api.v1.beta1.Suggestion"])
def test_health_is_there_under_katibs_name(katib: Katib, name: str) -> None:
    answer = katib.call(
        "/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(service=name), health_pb2.HealthCheckResponse
    )
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


PEER = """
import sys, grpc
from importlib.util import find_spec
# The wheel's package imports a client of Kubernetes: its generated module is all that is needed.
sys.path.insert(0, find_spec("kubeflow").submodule_search_locations[0] + "/katib")
import katib_api_pb2 as api
def call(channel, method, request, answer):
    return channel.unary_unary("/api.v1.beta1.Suggestion/" + method, request.SerializeToString, answer.FromString)(request)
with grpc.insecure_channel(sys.argv[1]) as channel:
    experiment = api.Experiment(name="peer", spec=api.ExperimentSpec(
        parameter_specs=api.ExperimentSpec.ParameterSpecs(parameters=[api.ParameterSpec(
            name="lr", parameter_type=api.DOUBLE, feasible_space=api.FeasibleSpace(min="0.01", max="0.03"))]),
        objective=api.ObjectiveSpec(type=api.MAXIMIZE, goal=0.9, objective_metric_name="accuracy"),
        algorithm=api.AlgorithmSpec(algorithm_name="bayesianoptimization"), parallel_trial_count=2, max_trial_count=5))
    call(channel, "ValidateAlgorithmSettings", api.ValidateAlgorithmSettingsRequest(experiment=experiment),
         api.ValidateAlgorithmSettingsReply)
    reply = call(channel, "GetSuggestions", api.GetSuggestionsRequest(experiment=experiment, current_request_number=2),
                 api.GetSuggestionsReply)
    print(*[one.assignments[0].value for one in reply.parameter_assignments])
"""


@pytest.mark.skipif(find_spec("kubeflow") is None, reason="kubeflow-katib is not installed (pip install --no-deps)")
def test_katibs_own_generated_client_understands_it(server: ServerProcess) -> None:
    # In a process of its own: its messages have the same names as ours.
    run = subprocess.run(
        [sys.executable, "-c", PEER, server.address], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.split()) == 2
    assert all(0.01 <= float(value) <= 0.03 for value in run.stdout.split())
