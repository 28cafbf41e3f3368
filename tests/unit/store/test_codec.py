"""The ledger's encoding: nothing changes on the way to the store and back."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.early_stopping import AutoStopping, MedianStopping, ThresholdStopping, WilcoxonStopping
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.metrics import Measurement, Metric
from asktell_server.domain.names import StudyName
from asktell_server.domain.provenance import Fit, Provenance
from asktell_server.domain.space import (
    CategoricalDomain,
    Condition,
    DerivedParameter,
    FloatDomain,
    IntDomain,
    NormalPrior,
    Parameter,
    SearchSpace,
)
from asktell_server.domain.study import FinishReason, LeasePolicy, StoppingRules, Study
from asktell_server.domain.times import from_microseconds, to_microseconds
from asktell_server.domain.trial import UNNAMED_METRIC, Belief, Prediction, Trial
from asktell_server.store.codec import (
    SCHEMA,
    CodecError,
    decode_measurement,
    decode_study,
    decode_trial,
    encode_measurement,
    encode_study,
    encode_trial,
)
from tests.support import strategies
from tests.support.ledger import a_study, measured, running, told

NAME = StudyName(project="p", study_id="s")


def shown(value: object) -> str:
    """A text that tells 1 from 1.0, True from 1 and -0.0 from 0.0, which == does not. UTC has no folds."""
    return repr(value).replace(", fold=1", "")


@given(strategies.trials, st.integers(1, 2**53), st.integers(1, 2**53))
def test_trials(trial: Trial, number: int, revision: int) -> None:
    stored = dataclasses.replace(trial, number=number, revision=revision)
    read = decode_trial(encode_trial(trial), number=number, revision=revision)
    assert read == stored
    assert shown(read) == shown(stored)


@given(strategies.studies(), st.integers(1, 2**53))
def test_studies(study: Study, revision: int) -> None:
    stored = dataclasses.replace(study, revision=revision)
    read = decode_study(encode_study(study), revision=revision)
    assert read == stored
    assert shown(read) == shown(stored)


@given(st.floats(), st.none() | st.floats())
def test_doubles_keep_every_bit(value: float, error: float | None) -> None:
    measurement = Measurement(
        step=-1, metrics={"m": Metric(value=value, standard_error=error)}, report_time=datetime(2026, 1, 1, tzinfo=UTC)
    )
    read = decode_measurement(encode_measurement(measurement))
    assert shown(read) == shown(measurement)


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_exact(when: datetime) -> None:
    assert from_microseconds(to_microseconds(when)) == when


def test_times_of_other_zones_become_utc() -> None:
    when = datetime(2026, 1, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert from_microseconds(to_microseconds(when)) == when


@pytest.mark.parametrize(
    "encoded", [encode_trial(running(0.1)), encode_study(a_study(NAME)), encode_measurement(measured(1, 2.0))]
)
def test_fields_of_a_later_version_are_ignored(encoded: bytes) -> None:
    data = msgpack.unpackb(encoded[1:])
    extended = bytes([SCHEMA]) + msgpack.packb(data | {"from_the_future": [1, {"a": None}]})
    if "parameters" in data:
        assert decode_trial(extended, number=1, revision=1) == decode_trial(encoded, number=1, revision=1)
    elif "objectives" in data:
        assert decode_study(extended, revision=1) == decode_study(encoded, revision=1)
    else:
        assert decode_measurement(extended) == decode_measurement(encoded)


@pytest.mark.parametrize("encoded", [b"", bytes([SCHEMA + 9]) + encode_trial(running(0.1))[1:]])
def test_what_another_schema_wrote_is_not_guessed_at(encoded: bytes) -> None:
    with pytest.raises(CodecError, match="schema"):
        decode_trial(encoded, number=1, revision=1)


def test_studies_of_older_servers_are_read() -> None:
    plain = a_study(NAME)
    stored = encode_study(plain)
    assert stored[0] == SCHEMA
    data = msgpack.unpackb(stored[1:])
    for parameter in data["space"]["parameters"]:
        del parameter["condition"], parameter["prior"]
    assert decode_study(bytes([SCHEMA]) + msgpack.packb(data), revision=plain.revision) == plain


@pytest.mark.parametrize(
    ("child", "newest_of_those_who_refuse"),
    [
        ({"condition": Condition(parent="kind", values=("a",))}, 2),
        ({"prior": NormalPrior(mean=0.5, relative_standard_deviation=0.1)}, 3),
    ],
)
def test_servers_refuse_studies_that_know_more_than_they_do(
    child: dict[str, Any], newest_of_those_who_refuse: int
) -> None:
    parent = Parameter(name="kind", domain=CategoricalDomain(values=("a", "b")))
    scale = Parameter(name="scale", domain=FloatDomain(min=0.0, max=1.0), **child)
    study = a_study(NAME, space=SearchSpace(parameters=(parent, scale)))
    stored = encode_study(study)
    assert stored[0] == newest_of_those_who_refuse + 1
    assert decode_study(stored, revision=study.revision) == study


def test_older_servers_refuse_studies_with_early_stopping_and_their_studies_are_read() -> None:
    plain = a_study(StudyName(project="default", study_id="s"))
    data = msgpack.unpackb(encode_study(plain)[1:])
    del data["early_stopping"]
    assert decode_study(bytes([SCHEMA]) + msgpack.packb(data), revision=plain.revision) == plain
    stopping = dataclasses.replace(plain, early_stopping=(MedianStopping(min_steps=3), ThresholdStopping(max=1.5)))
    stored = encode_study(stopping)
    assert stored[0] > SCHEMA + 3
    assert decode_study(stored, revision=plain.revision) == stopping


@pytest.mark.parametrize(
    "changes",
    [
        {"early_stopping": (AutoStopping(),)},
        {"early_stopping": (MedianStopping(), WilcoxonStopping())},
        {"stopping": StoppingRules(min_expected_gain=0.1)},
        {"finish_reason": FinishReason.LITTLE_TO_GAIN},
    ],
)
def test_servers_that_do_not_know_a_rule_refuse_its_studies(changes: dict[str, Any]) -> None:
    study = dataclasses.replace(a_study(NAME), **changes)
    stored = encode_study(study)
    assert stored[0] > SCHEMA + 5
    assert decode_study(stored, revision=study.revision) == study


def test_older_servers_refuse_studies_with_constraints_on_parameters() -> None:
    space = SearchSpace(
        parameters=tuple(Parameter(name=name, domain=FloatDomain(min=0.0, max=1.0)) for name in ("a", "b")),
        parameter_constraints=(read_constraint("a + 2*b <= 0.3", field="f"),),
    )
    study = a_study(StudyName(project="default", study_id="s"), space=space)
    stored = encode_study(study)
    assert stored[0] > SCHEMA + 2
    assert decode_study(stored, revision=study.revision) == study
    data = msgpack.unpackb(stored[1:])
    assert data["space"].pop("parameter_constraints") == ["a + 2*b <= 0.3"]
    plain = dataclasses.replace(study, space=dataclasses.replace(space, parameter_constraints=()))
    assert msgpack.unpackb(encode_study(plain)[1:])["space"] == data["space"]  # what servers before wrote


def test_older_servers_refuse_studies_with_derived_parameters_and_their_studies_and_trials_are_read() -> None:
    name = StudyName(project="default", study_id="s")
    plain = a_study(name)
    assert "derived" not in msgpack.unpackb(encode_study(plain)[1:])["space"]  # as servers before wrote
    derived = a_study(
        name,
        space=SearchSpace(
            parameters=(Parameter(name="x", domain=IntDomain(min=1, max=9)),),
            derived=(DerivedParameter(name="twice", expression="2 * x"),),
        ),
    )
    stored = encode_study(derived)
    assert stored[0] > SCHEMA + 2
    read = decode_study(stored, revision=derived.revision)
    assert read == derived
    assert read.space.derive({"x": 4}) == {"twice": 8}
    trial = dataclasses.replace(running(0.1), derived={"twice": 8})
    assert decode_trial(encode_trial(trial), number=trial.number, revision=trial.revision) == trial
    assert "derived" not in msgpack.unpackb(encode_trial(running(0.1))[1:])


def test_older_servers_refuse_studies_with_a_cost_metric_and_their_studies_are_read() -> None:
    plain = a_study(StudyName(project="default", study_id="s"))
    data = msgpack.unpackb(encode_study(plain)[1:])
    del data["cost_metric"]
    assert decode_study(bytes([SCHEMA]) + msgpack.packb(data), revision=plain.revision) == plain
    study = dataclasses.replace(plain, goals=dataclasses.replace(plain.goals, cost_metric="seconds"))
    stored = encode_study(study)
    assert stored[0] > SCHEMA + 2
    assert decode_study(stored, revision=study.revision) == study


def test_damaged_values_are_reported_as_such() -> None:
    for encoded in (bytes([SCHEMA]) + msgpack.packb({"state": "RUNNING"}), bytes([SCHEMA]) + b"\xc1"):
        with pytest.raises(CodecError):
            decode_trial(encoded, number=1, revision=1)


def test_settings_of_a_study_are_stored_even_where_they_are_the_default() -> None:
    # A release with another default must not change the studies that exist.
    data = msgpack.unpackb(encode_study(a_study(NAME))[1:])
    assert data["lease"] == {"duration_s": LeasePolicy().duration_s, "max_attempts": LeasePolicy().max_attempts}


def _with(encoded: bytes, **fields: object) -> bytes:
    return bytes([SCHEMA]) + msgpack.packb(msgpack.unpackb(encoded[1:]) | fields)


def test_a_prediction_that_an_older_server_stored_is_about_the_one_objective() -> None:
    stored = {"mean": 1.5, "standard_deviation": 0.25, "acquisition_value": -2.0}
    prediction = decode_trial(_with(encode_trial(running(0.1)), prediction=stored), number=1, revision=1).prediction
    belief = Belief(mean=1.5, standard_deviation=0.25)
    assert prediction == Prediction(beliefs={UNNAMED_METRIC: belief}, acquisition_value=-2.0)
    assert prediction.belief("loss") == prediction.first_belief == belief


def test_older_servers_find_the_first_belief_where_they_look_for_it() -> None:
    beliefs = {
        "loss": Belief(mean=1.5, standard_deviation=0.25),
        "size": Belief(mean=3.0, standard_deviation=0.5),
    }
    trial = dataclasses.replace(running(0.1), prediction=Prediction(beliefs=beliefs, acquisition_value=-2.0))
    stored = msgpack.unpackb(encode_trial(trial)[1:])["prediction"]
    assert stored.items() >= {"mean": 1.5, "standard_deviation": 0.25, "acquisition_value": -2.0}.items()
    read = decode_trial(encode_trial(trial), number=1, revision=1).prediction
    assert read is not None
    assert read == trial.prediction
    assert list(read.beliefs) == ["loss", "size"]


def test_stored_names_are_those_of_older_servers() -> None:
    data = msgpack.unpackb(encode_study(a_study(NAME))[1:])
    assert data["objectives"] == [{"metric": "loss", "goal": "minimize", "split": "validation", "reference": None}]
    assert "goals" not in data
    provenance = Provenance(sequence=1, prepared_pending=((0.5,), (0.25,)))
    encoded = encode_trial(dataclasses.replace(running(0.1), provenance=provenance))
    assert msgpack.unpackb(encoded[1:])["provenance"] == {"sequence": 1, "beside": [[0.5], [0.25]]}


def test_how_a_suggestion_came_about_takes_a_few_hundred_bytes() -> None:
    fit = Fit(noise=0.01, length_scales=(0.1,) * 6, weights=(0.3, 0.3, 0.4))
    provenance = Provenance(
        sequence=12_345, digest=b"8" * 8, count=4, index=3, warm_start=b"8" * (16 + 11 * 8), fit=fit, engine="1.2.3"
    )
    trial = running(0.1)
    plain, full = encode_trial(trial), encode_trial(dataclasses.replace(trial, provenance=provenance))
    assert len(full) - len(plain) < 330
    assert decode_trial(full, number=1, revision=1).provenance == provenance
    assert decode_trial(plain, number=1, revision=1).provenance is None  # as an earlier version wrote it


def test_a_trial_with_its_result_is_small() -> None:
    assert len(encode_trial(told(running(0.1), 0.5))) < 400  # bytes: a view of 100,000 reads 40 MB
