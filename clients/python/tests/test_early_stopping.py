"""Early-stopping rules as Python has them, to the wire and back, and as the command line writes them."""

from __future__ import annotations

import click
import pytest

import asktell
from asktell._core.early_stopping_codec import decode_early_stopping, encode_early_stopping
from asktell._core.words import study_words
from asktell.cli.early_stopping_words import as_sentence, early_stopping_from
from asktell.early_stopping import RULES
from asktell.v1 import study_pb2

EVERY: list[asktell.EarlyStopping] = [
    asktell.MedianStopping(),
    asktell.MedianStopping(3, 7, 2, metric="acc", goal=asktell.Goal.MAXIMIZE, grace_trials=4),
    asktell.PercentileStopping(25),
    asktell.ThresholdStopping(max=10.0),
    asktell.ThresholdStopping(min=0.0, min_steps=2),
    asktell.PatienceStopping(5, min_gain=0.01),
    asktell.SuccessiveHalving(),
    asktell.SuccessiveHalving(min_steps=4, reduction_factor=2, goal=asktell.Goal.MINIMIZE),
    asktell.Hyperband(81, min_steps=3),
    asktell.AutoStopping(),
    asktell.AutoStopping(0.01, min_steps=3, min_trials=8, interval_steps=2, metric="acc"),
    asktell.WilcoxonStopping(),
    asktell.WilcoxonStopping(0.05, min_steps=4),
    asktell.MedianStopping() | asktell.ThresholdStopping(max=10.0) | asktell.PatienceStopping(5),
]


@pytest.mark.parametrize("rules", EVERY)
def test_rules_survive_the_wire(rules: asktell.EarlyStopping) -> None:
    study = study_pb2.Study(early_stopping=encode_early_stopping(rules, "early_stopping"))
    assert decode_early_stopping(study_pb2.Study.FromString(study.SerializeToString())) == rules


def test_what_a_server_left_unset_is_the_default() -> None:
    study = study_pb2.Study()
    assert decode_early_stopping(study) is None
    study.early_stopping.median.SetInParent()
    assert decode_early_stopping(study) == asktell.MedianStopping()
    study.early_stopping.wilcoxon.SetInParent()
    assert decode_early_stopping(study) == asktell.WilcoxonStopping(p=0.1, min_steps=2)


def test_every_rule_of_the_contract_is_known() -> None:
    rules = {field.name for field in study_pb2.EarlyStopping.DESCRIPTOR.oneofs_by_name["rule"].fields}
    assert set(RULES) == rules - {"any"}


def test_what_is_joined_is_flat() -> None:
    one, two, three = asktell.MedianStopping(), asktell.ThresholdStopping(max=1), asktell.SuccessiveHalving()
    assert (one | two) | three == one | (two | three) == asktell.AnyStopping((one, two, three))
    with pytest.raises(TypeError):
        one | "threshold"


@pytest.mark.parametrize("wrong", ["median", asktell.MedianStopping, asktell.MedianStopping("1")])  # type: ignore[arg-type]
def test_what_is_no_rule_is_a_mistake(wrong: asktell.EarlyStopping) -> None:
    with pytest.raises(TypeError, match=r"^early_stopping"):
        encode_early_stopping(wrong, "early_stopping")


@pytest.mark.parametrize(
    ("text", "rules", "shown"),
    [
        ("median", asktell.MedianStopping(), "median"),
        ("hyperband:max_steps=50", asktell.Hyperband(50), "hyperband (max_steps 50)"),
        ("auto:probability=0.01", asktell.AutoStopping(0.01), "auto (probability 0.01)"),
        (
            "median: min_steps=3, goal=maximize, metric=acc + threshold:max=1e9",
            asktell.MedianStopping(3, goal=asktell.Goal.MAXIMIZE, metric="acc") | asktell.ThresholdStopping(max=1e9),
            "median (metric acc, goal maximize, min_steps 3) or threshold (max 1e+09)",
        ),
    ],
)
def test_rules_on_the_command_line(text: str, rules: asktell.EarlyStopping, shown: str) -> None:
    assert early_stopping_from(text) == rules
    assert as_sentence(rules) == shown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mean", "'mean' is not one of median, percentile"),
        ("median+", "'' is not one of median"),
        ("median:max=3", "'max=3' is not SETTING=VALUE with one of median's settings"),
        ("hyperband", "hyperband needs max_steps, as in hyperband:max_steps=…"),
        ("median:min_steps=x", "x"),
        ("median:goal=up", "'up' is not one of minimize, maximize"),
    ],
)
def test_mistakes_on_the_command_line(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        early_stopping_from(text)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("early_stopping.median.min_trials", "early_stopping.min_trials"),
        ("early_stopping.percentile.percentile", "early_stopping.percentile"),
        ("early_stopping.any.rules[1].hyperband.max_steps", "early_stopping.rules[1].max_steps"),
        ("early_stopping.metric", "early_stopping.metric"),
    ],
)
def test_refusals_are_in_the_callers_words(path: str, words: str) -> None:
    assert study_words(path, study_pb2.Study()) == words
