"""Study files are read by the server: all that they may say, and complaints that name the line."""

from __future__ import annotations

import secrets
from functools import partial

import pytest
from google.protobuf.json_format import MessageToDict

from asktell.v1 import study_pb2, study_service_pb2
from asktell_server.protocols.asktell_v1.study_files.not_yet import NOT_YET
from tests.support.rpc import Rpc, a_study, refused

WHOLE = """\
name: lora
display_name: LoRA fine-tuning
objectives:
  - {metric: perplexity, goal: minimize, split: validation}
metrics:
  - {metric: test_perplexity, split: test}
  - seconds
parameters:
  learning_rate: {type: float, min: 1e-5, max: 1.0e-3, scale: log, default: 1e-4}
  momentum: {type: float, min: .5, max: 0.999, scale: reverse_log}
  batch_size: {type: discrete, values: [8, 16, 32, 64]}
  optimizer: {type: categorical, values: [adam, sgd, on, "1"], default: sgd}
  nesterov: {type: bool, default: no}
  warmup_steps: {type: int, min: 0, max: 500, step: 50}
algorithm: {grid: {default_levels: 3, levels: {learning_rate: 7}}}
stopping: {max_trials: 50, target: 1.5, patience: 20, deadline: 2030-12-01T13:00:00+01:00}
lease: {duration_s: 60, max_attempts: 3}
max_running: 8
seed: 1
labels: {team: nlp}
annotations: {run: "17"}
max_staleness: 0
"""


def check(rpc: Rpc, text: str) -> study_pb2.Study:
    """What the server reads in a file."""
    return rpc.studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_file=text, validate_only=True))


def test_everything_a_file_may_say(rpc: Rpc) -> None:
    found = MessageToDict(check(rpc, WHOLE))
    found.pop("warnings")
    assert found == {
        "name": "projects/default/studies/lora",
        "displayName": "LoRA fine-tuning",
        "objectives": [{"metric": "perplexity", "goal": "GOAL_MINIMIZE", "split": "SPLIT_VALIDATION"}],
        "trackedMetrics": [{"metric": "test_perplexity", "split": "SPLIT_TEST"}, {"metric": "seconds"}],
        "searchSpace": {
            "parameters": [
                {
                    "name": "learning_rate",
                    "floatDomain": {"min": 1e-5, "max": 1e-3, "scale": "SCALE_LOG"},
                    "defaultValue": {"doubleValue": 1e-4},
                },
                {"name": "momentum", "floatDomain": {"min": 0.5, "max": 0.999, "scale": "SCALE_REVERSE_LOG"}},
                {
                    "name": "batch_size",
                    "discreteDomain": {"values": [{"intValue": str(value)} for value in (8, 16, 32, 64)]},
                },
                {
                    "name": "optimizer",
                    "categoricalDomain": {"values": ["adam", "sgd", "on", "1"]},
                    "defaultValue": {"stringValue": "sgd"},
                },
                {"name": "nesterov", "boolDomain": {}, "defaultValue": {"boolValue": False}},
                {"name": "warmup_steps", "intDomain": {"max": "500", "step": "50"}},
            ]
        },
        "algorithm": {"grid": {"defaultLevels": 3, "levels": {"learning_rate": 7}}},
        "stoppingRules": {
            "maxTrials": 50,
            "targetValue": 1.5,
            "patienceTrials": 20,
            "deadline": "2030-12-01T12:00:00Z",
        },
        "leasePolicy": {"leaseDuration": "60s", "maxAttempts": 3},
        "maxRunningTrials": 8,
        "seed": "1",
        "labels": {"team": "nlp"},
        "annotations": {"run": "17"},
        "maxStaleness": 0,
    }


SMALL = """\
name: NAME
objectives: [{metric: loss, goal: minimize}]
parameters:
  x: {type: float, min: 0, max: 1}
"""


def test_a_short_file_leaves_the_rest_to_the_server(rpc: Rpc) -> None:
    study = check(rpc, SMALL.replace("NAME", "small"))
    assert not study.HasField("algorithm")
    assert not study.HasField("seed")
    assert not study.HasField("lease_policy")
    assert not study.etag


def test_nothing_is_stored_by_a_check(rpc: Rpc) -> None:
    name = f"s-{secrets.token_hex(6)}"
    assert check(rpc, SMALL.replace("NAME", name)).name == f"projects/default/studies/{name}"
    what = refused(lambda: rpc.studies.GetStudy(study_service_pb2.GetStudyRequest(name=name)))
    assert what.reason == "STUDY_NOT_FOUND"


def test_the_name_in_the_file_counts_and_study_id_replaces_it(rpc: Rpc) -> None:
    name = f"s-{secrets.token_hex(6)}"
    text = SMALL.replace("NAME", name)
    created = rpc.studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_file=text))
    assert created.name == f"projects/default/studies/{name}"
    other = rpc.studies.CreateStudy(study_service_pb2.CreateStudyRequest(study_file=text, study_id=f"{name}-2"))
    assert other.name == f"projects/default/studies/{name}-2"
    assert other.seed != created.seed or other.seed > 0


def test_a_file_and_a_message_together_are_refused(rpc: Rpc) -> None:
    request = study_service_pb2.CreateStudyRequest(study_file=SMALL, study=a_study())
    assert refused(lambda: rpc.studies.CreateStudy(request)).fields == ["study_file"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("seed: 1", "sed: 1", "19:1: unknown key 'sed', did you mean 'seed'?"),
        ("objectives:", "objectivs:", "3:1: unknown key 'objectivs', did you mean 'objectives'?"),
        ("goal: minimize", "goal: min", "4:32: objectives[0].goal: must be one of minimize, maximize, got 'min'"),
        ("split: validation", "split: tset", "4:49: objectives[0].split: must be one of validation, train, test"),
        ("type: float, min: 1e-5", "type: floot, min: 1e-5", "9:25: parameters.learning_rate.type: must be one of"),
        ("min: 1e-5", "mni: 1e-5", "9:32: parameters.learning_rate: unknown key 'mni', did you mean 'min'?"),
        ("min: 1e-5, ", "", "9:18: parameters.learning_rate: min is missing"),
        (
            "min: 1e-5",
            'min: "1e-5"',
            "9:37: parameters.learning_rate.min: must be a number, got the text '1e-5': write 1e-5 without",
        ),
        (
            "max: 500",
            "max: '500'",
            "14:42: parameters.warmup_steps.max: must be a whole number, got the text '500': write 500 without",
        ),
        ("min: 1e-5", "min: ~", "9:37: parameters.learning_rate.min: must be a number, got '~'"),
        ("min: 0, max: 500", "min: 0.5, max: 500", "14:34: parameters.warmup_steps.min: must be a whole number"),
        ("min: 0, max: 500", "min: 0, max: 5e99", "14:42: parameters.warmup_steps.max: must be a whole number"),
        ("max: 500", f"max: {10**30}", "14:42: parameters.warmup_steps.max: is too large a number"),
        ("max_trials: 50", f"max_trials: {2**31}", "16:24: stopping.max_trials: is too large a number"),
        ("values: [8, 16, 32, 64]", "values: 8", "11:40: parameters.batch_size.values: must be a list"),
        ("[8, 16, 32, 64]", "[8, x, 32]", "11:44: parameters.batch_size.values[1]: must be a number, got 'x'"),
        (
            "[adam, sgd, on",
            "[adam, 2, on",
            "12:49: parameters.optimizer.values[1]: must be a string, got the number 2; `type: discrete`",
        ),
        (
            "[adam, sgd, on",
            "[true, sgd, on",
            "12:43: parameters.optimizer.values[0]: must be a string, got true; `type: bool` is",
        ),
        (
            "[adam, sgd, on",
            "[adam, ~, on",
            '12:49: parameters.optimizer.values[1]: must be a string, got null; write a category such as "none"',
        ),
        ("default: no", "default: maybe", "13:35: parameters.nesterov.default: must be true or"),
        ("type: bool, ", "type: bool, step: 1, ", "13:26: parameters.nesterov: unknown key 'step'"),
        ("scale: log", "scale: lgo", "9:63: parameters.learning_rate.scale: must be one of linear, log, reverse_log"),
        ("  learning_rate:", "  momentum:", "10:3: parameters.momentum: stands here twice"),
        ("{grid:", "{gird:", "15:13: algorithm: unknown key 'gird', did you mean 'grid'?"),
        ("max_trials: 50", "max_trials: many", "16:24: stopping.max_trials: must be a whole number, got 'many'"),
        ("13:00:00+01:00", "12:00:00", "16:65: stopping.deadline: needs a time zone"),
        ("2030-12-01T13:00:00+01:00", "soon", "16:65: stopping.deadline: must be a time as in"),
        ("labels: {team: nlp}", "labels: [nlp]", "20:9: labels: must be a mapping"),
        ("annotations: {run: ", "annotations: {run: [", "21:"),
    ],
)
def test_complaints_name_the_line(rpc: Rpc, old: str, new: str, complaint: str) -> None:
    assert WHOLE.count(old) >= 1
    what = refused(lambda: check(rpc, WHOLE.replace(old, new, 1)))
    assert what.message.startswith(complaint)
    assert (what.code.name, what.reason, what.fields) == ("INVALID_ARGUMENT", "INVALID_STUDY_FILE", ["study_file"])
    line, column = complaint.split(":")[:2]
    assert what.metadata["line"] == line
    assert column in ("", what.metadata["column"])


def test_conditions(rpc: Rpc) -> None:
    conditional = WHOLE.replace("{type: bool", "{type: bool, when: {learning_rate: [1e-4]}")
    what = refused(lambda: check(rpc, conditional))
    assert what.message.startswith(
        "13:48: parameters.nesterov.when.learning_rate: must be a parameter of finitely many values"
    )
    for when, values in (
        ("{optimizer: [sgd, adam]}", ["sgd", "adam"]),
        ("{optimizer: sgd}", ["sgd"]),
        ('{optimizer: ["sgd"]}', ["sgd"]),
    ):
        study = check(rpc, WHOLE.replace("{type: bool", f"{{type: bool, when: {when}"))
        condition = next(each.condition for each in study.search_space.parameters if each.name == "nesterov")
        assert condition.parent == "optimizer"
        assert [value.string_value for value in condition.values] == values
    for when, complaint in (
        (
            "{optimizer: [sdg]}",
            "13:45: parameters.nesterov.when.optimizer[0]: as a value of 'optimizer' must be one of",
        ),
        ("{optimizer: sgd, seed: 1}", "13:32: parameters.nesterov.when: must name one parameter and its values"),
        ("[optimizer]", "13:32: parameters.nesterov.when: must be a mapping"),
        ("{optimizer: }", "parameters.nesterov.when.optimizer: must be a value, got nothing"),
    ):
        text = WHOLE.replace("{type: bool", f"{{type: bool, when: {when}")
        what = refused(partial(check, rpc, text))
        assert complaint in what.message


def test_a_cost_metric(rpc: Rpc) -> None:
    assert check(rpc, WHOLE + "cost: seconds\n").cost_metric == "seconds"
    line = len(WHOLE.splitlines()) + 1
    for entry, complaint in (
        ("cost: 12", f"{line}:7: cost: must be a string"),
        ("cost: gpu hours", f"{line}:7: cost: must be 1 to 128 characters"),
    ):
        what = refused(partial(check, rpc, f"{WHOLE}{entry}\n"))
        assert complaint in what.message


def test_derived_parameters(rpc: Rpc) -> None:
    whole = WHOLE.replace("  nesterov:", "  twice: {derived: 2 * learning_rate}\n  nesterov:")
    (derived,) = check(rpc, whole).search_space.derived_parameters
    assert (derived.name, derived.expression) == ("twice", "2 * learning_rate")
    line = next(number for number, text in enumerate(whole.splitlines(), 1) if "twice" in text)
    for entry, complaint in (
        ("{derived: 2 * rate}", f"{line}:20: parameters.twice.derived: no parameter 'rate'"),
        ("{derived: [learning_rate]}", f"{line}:20: parameters.twice.derived: must be an expression, got a list"),
        ("{derived: 1, type: int}", f"{line}:23: parameters.twice: unknown key 'type'"),
        ("{derived: 2 *}", "(at character 4)"),
    ):
        text = whole.replace("{derived: 2 * learning_rate}", entry)
        what = refused(partial(check, rpc, text))
        assert complaint in what.message


def test_priors_are_read(rpc: Rpc) -> None:
    text = SMALL.replace("NAME", "small").replace(
        "max: 1}", "max: 1, prior: {mean: 1e-1, relative_standard_deviation: 0.2}}"
    )
    (x, b) = check(rpc, f"{text}  b: {{type: bool, prior: {{weights: [1, 3.5]}}}}\n").search_space.parameters
    assert (x.prior.normal.mean, x.prior.normal.relative_standard_deviation) == (0.1, 0.2)
    assert b.prior.weights.weights == [1.0, 3.5]


@pytest.mark.parametrize(
    ("prior", "complaint", "reason"),
    [
        ("{mean: 0.5}", "4:43: parameters.x.prior: relative_standard_deviation is missing", "INVALID_STUDY_FILE"),
        ("{}", "4:43: parameters.x.prior: mean and relative_standard_deviation are missing", "INVALID_STUDY_FILE"),
        ("{weights: [1], mean: 2}", "4:43: parameters.x.prior: is either normal", "INVALID_STUDY_FILE"),
        ("{men: 2}", "4:44: parameters.x.prior: unknown key 'men', did you mean 'mean'?", "INVALID_STUDY_FILE"),
        ("{weights: 1}", "4:53: parameters.x.prior.weights: must be a list", "INVALID_STUDY_FILE"),
        (
            "{mean: 2, relative_standard_deviation: 0.5}",
            "4:50: parameters.x.prior.mean: must be in [0.0, 1.0], got 2.0",
            "VALUE_OUTSIDE_SPACE",
        ),
        (
            "{mean: 0.5, relative_standard_deviation: 2}",
            "4:84: parameters.x.prior.relative_standard_deviation: must be in (0, 1], got 2.0",
            "INVALID_FIELD",
        ),
        ("{weights: [1, 2]}", "4:43: parameters.x.prior: is for discrete, categorical and bool", "INVALID_FIELD"),
    ],
)
def test_mistakes_in_priors_are_found_in_their_place(rpc: Rpc, prior: str, complaint: str, reason: str) -> None:
    text = SMALL.replace("NAME", "small").replace("max: 1}", f"max: 1, prior: {prior}}}")
    what = refused(lambda: check(rpc, text))
    assert what.message.startswith(complaint)
    assert (what.reason, what.metadata["line"]) == (reason, "4")


def test_early_stopping_in_a_file(rpc: Rpc) -> None:
    text = SMALL.replace("NAME", "stopped")
    assert check(rpc, f"{text}early_stopping: median\n").early_stopping.HasField("median")
    one = check(rpc, f"{text}early_stopping: {{patience: {{patience_steps: 3, metric: loss, goal: minimize}}}}\n")
    assert MessageToDict(one.early_stopping) == {
        "patience": {"patienceSteps": "3"},
        "metric": "loss",
        "goal": "GOAL_MINIMIZE",
    }
    two = check(
        rpc, f"{text}early_stopping: [{{hyperband: {{min_steps: 1, max_steps: 9}}}}, {{threshold: {{max: 3}}}}]\n"
    )
    assert MessageToDict(two.early_stopping) == {
        "any": {"rules": [{"hyperband": {"minSteps": "1", "maxSteps": "9"}}, {"threshold": {"max": 3.0}}]}
    }


@pytest.mark.parametrize(
    ("entry", "reason", "complaint"),
    [
        ("mean", "INVALID_STUDY_FILE", "5:17: early_stopping: must be one of median, percentile,"),
        ("{median: {}, threshold: {}}", "INVALID_STUDY_FILE", "5:17: early_stopping: must name one rule, got median, threshold"),
        ("{median: {steps: 1}}", "INVALID_STUDY_FILE", "5:27: early_stopping.median: unknown key 'steps'"),
        ("{median: {min_trials: -1}}", "INVALID_FIELD", "5:39: early_stopping.median.min_trials: must be at least 1, got -1"),
        ("[median, {median: {min_trials: -1}}]", "INVALID_FIELD", "early_stopping[1].median.min_trials: must be at least 1"),
        ("{median: {metric: nope}}", "UNKNOWN_METRIC", "5:35: early_stopping.median.metric: must be a metric of the study"),
        ("[]", "INVALID_FIELD", "5:17: early_stopping: must hold at least one rule"),
        ("{auto: {probability: 1}}", "INVALID_FIELD", "5:38: early_stopping.auto.probability: must be above 0 and below 1, got 1"),
        ("{auto: {min_trials: 3}}", "INVALID_FIELD", "5:37: early_stopping.auto.min_trials: must be at least 4, got 3"),
        ("{wilcoxon: {p: -0.1}}", "INVALID_FIELD", "5:32: early_stopping.wilcoxon.p: must be above 0 and below 1, got -0.1"),
    ],
)  # fmt: skip
def test_mistakes_in_early_stopping_come_with_their_place(rpc: Rpc, entry: str, reason: str, complaint: str) -> None:
    what = refused(lambda: check(rpc, SMALL.replace("NAME", "stopped") + f"early_stopping: {entry}\n"))
    assert what.reason == reason
    assert complaint in what.message


def test_constraints_between_parameters(rpc: Rpc) -> None:
    whole = "name: s\nobjectives: [{metric: loss, goal: minimize}]\nparameters:\n"
    whole += "".join(f"  {name}: {{type: float, min: 0, max: 1}}\n" for name in ("a", "b"))
    whole += "parameter_constraints:\n  - b*2 + a <= 1\n  - a <= b\n"
    assert check(rpc, whole).search_space.parameter_constraints == ["b*2 + a <= 1", "a <= b"]
    for before, after, complaint in (
        (
            "- a <= b",
            "- a <= c",
            "8:5: parameter_constraints[1]: the space has no parameter 'c'; it has 'a', 'b' (at character 6)",
        ),
        ("- a <= b", "- a", "8:5: parameter_constraints[1]: a comparison such as <= must stand here"),
        ("- a <= b", "- 5", "8:5: parameter_constraints[1]: must be a string, got the number 5"),
        ("- a <= b", "- a >= 0.9\n  - b >= 0.2", "7:3: parameter_constraints: no values of the parameters keep"),
        ("\n  - b*2 + a <= 1\n  - a <= b", " a <= b", "6:24: parameter_constraints: must be a list, got 'a <= b'"),
    ):
        what = refused(partial(check, rpc, whole.replace(before, after)))
        assert complaint in what.message


@pytest.mark.parametrize("key", NOT_YET)
def test_what_is_not_there_yet_is_refused_by_name(rpc: Rpc, key: str) -> None:
    text, place = f"{WHOLE}{key}: [x]\n", f"23:1: {key}"
    what = refused(lambda: check(rpc, text))
    assert (what.code.name, what.reason) == ("UNIMPLEMENTED", "NOT_SUPPORTED")
    assert what.message == f"{place}: {NOT_YET[key]}"
    assert (what.metadata["field"], what.metadata["line"]) == ("study_file", place.split(":")[0])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("# nothing", "1:1: is empty"),
        ("- a\n- b\n", "1:1: must be a mapping"),
        ("%x", "1:"),
        ("[" * 100_000, "1:21: is nested too deeply"),
        ("a: &a [b]\nb: *c\n", "2:4"),
    ],
)
def test_texts_that_are_no_studies(rpc: Rpc, text: str, complaint: str) -> None:
    what = refused(lambda: check(rpc, text))
    assert (what.reason, what.message[: len(complaint)]) == ("INVALID_STUDY_FILE", complaint)


def test_a_text_that_is_too_long_is_refused(rpc: Rpc) -> None:
    assert refused(lambda: check(rpc, "#" * (1024 * 1024 + 1))).fields == ["study_file"]


@pytest.mark.parametrize(
    ("old", "new", "complaint", "reason", "field"),
    [
        (
            "max: 1.0e-3",
            "max: 1e-9",
            "9:4",
            "INVALID_FIELD",
            "study.search_space.parameters[0].float_domain.max",
        ),
        (
            "default: 1e-4",
            "default: 5",
            "9:77: parameters.learning_rate.default: must be in",
            "VALUE_OUTSIDE_SPACE",
            "study.search_space.parameters[0].default_value",
        ),
        ("split: validation", "split: test", "4:49: objectives[0].split: ", "TEST_SPLIT_OBJECTIVE", "study.objectives[0].split"),
        ("max_trials: 50", "max_trials: 0", "16:24: stopping.max_trials: must be", "INVALID_FIELD", "study.stopping_rules.max_trials"),
        ("duration_s: 60", "duration_s: 0.1", "17:21: lease.duration_s: must be", "INVALID_FIELD", "study.lease_policy.lease_duration"),
        ("name: lora", "name: -x", "1:7: name: must", "INVALID_FIELD", "study_id"),
        ("learning_rate: 7", "nothing: 7", "15:57: algorithm.grid.levels.nothing: the space has no such", "INVALID_FIELD", "study.algorithm.grid.levels[nothing]"),
        ("default_levels: 3", "default_levels: 999", "15:1", "GRID_TOO_LARGE", "study.algorithm.grid"),
    ],
)  # fmt: skip
def test_what_the_domain_refuses_is_found_in_the_file(
    rpc: Rpc, old: str, new: str, complaint: str, reason: str, field: str
) -> None:
    what = refused(lambda: check(rpc, WHOLE.replace(old, new, 1)))
    assert what.message.startswith(complaint), what.message
    assert (what.reason, what.fields) == (reason, [field])
    assert what.message.startswith(f"{what.metadata['line']}:{what.metadata['column']}: ")


def test_warnings_name_their_place_too(rpc: Rpc) -> None:
    study = check(rpc, WHOLE.replace("max_trials: 50", "max_trials: 5"))
    places = {warning.field: warning.place for warning in study.warnings}
    assert places["stopping_rules.max_trials"] == "16:24: stopping.max_trials"
