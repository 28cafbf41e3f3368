"""Encoding: every value of every kind goes into the unit cube and comes back as it was."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asktell_server.domain.space import (
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Parameter,
    ParameterValue,
    Scale,
    SearchSpace,
)
from asktell_server.engine.space.columns import Continuum
from asktell_server.engine.space.encoding import Encoding
from tests.unit.engine.problems import MIXED_SPACE, space_of
from tests.unit.engine.strategies import continuous_domains, finite_domains


def _encode(domain: Domain, value: ParameterValue) -> float:
    return float(Encoding(space_of(p=domain)).encode([{"p": value}])[0, 0])


def _decode(domain: Domain, coordinate: float) -> ParameterValue:
    return Encoding(space_of(p=domain)).decode(np.array([coordinate]))["p"]


@given(data=st.data(), domain=finite_domains())
def test_values_of_finite_domains_come_back_exactly(data: st.DataObject, domain: Domain) -> None:
    (column,) = Encoding(space_of(p=domain)).columns
    assert not isinstance(column, Continuum)
    assert column.count == domain.cardinality
    value = column.value(data.draw(st.integers(0, column.count - 1)))
    assert domain.normalize(value) == value
    back = column.decode(float(column.encode([value])[0]))
    assert back == value
    assert type(back) is type(value)


@given(domain=continuous_domains(), share=st.floats(0, 1))
def test_values_of_a_continuum_come_back_within_rounding(domain: FloatDomain, share: float) -> None:
    value = min(max(domain.min * (1 - share) + domain.max * share, domain.min), domain.max)
    coordinate = _encode(domain, value)
    assert 0 <= coordinate <= 1
    back = _decode(domain, coordinate)
    assert isinstance(back, float)
    assert domain.min <= back <= domain.max
    if domain.scale is Scale.LOG:
        assert math.isclose(back, value, rel_tol=1e-11)
    else:
        assert abs(back - value) <= 1e-11 * max(abs(domain.min), abs(domain.max))


@given(domain=st.one_of(finite_domains(), continuous_domains()), coordinate=st.floats(-0.5, 1.5))
def test_whatever_is_decoded_is_a_value_of_the_domain(domain: Domain, coordinate: float) -> None:
    value = _decode(domain, coordinate)
    normal = domain.normalize(value)
    assert normal == value
    assert type(normal) is type(value)


@given(domain=st.one_of(finite_domains(), continuous_domains()), uniform=st.floats(0, 1, exclude_max=True))
def test_spread_and_snap_end_on_values(domain: Domain, uniform: float) -> None:
    (column,) = Encoding(space_of(p=domain)).columns
    for coordinates in (column.spread(np.array([uniform])), column.snap(np.array([uniform]))):
        assert np.array_equal(column.snap(coordinates), coordinates)
        if not isinstance(column, Continuum):
            assert column.encode([column.decode(float(coordinates[0]))])[0] == coordinates[0]


@given(domain=continuous_domains())
def test_the_ends_of_a_continuum_are_exact(domain: FloatDomain) -> None:
    assert _encode(domain, domain.min) == 0
    assert _encode(domain, domain.max) == 1
    assert _decode(domain, 0.0) == domain.min
    assert _decode(domain, 1.0) == domain.max


@pytest.mark.parametrize(
    ("domain", "value", "coordinate"),
    [
        (FloatDomain(min=-1.0, max=3.0), 0.0, 0.25),
        (FloatDomain(min=1e-4, max=1.0, scale=Scale.LOG), 1e-2, 0.5),
        (FloatDomain(min=0.1, max=0.9, step=0.1), 0.3, 0.25),
        (FloatDomain(min=0.0, max=1.0, step=0.3), 0.9, 1.0),
        (FloatDomain(min=1.0, max=100.0, scale=Scale.LOG, step=1.0), 10.0, 0.5),
        (IntDomain(min=10, max=20, step=5), 15, 0.5),
        (IntDomain(min=1, max=10000, scale=Scale.LOG), 100, 0.5),
        (DiscreteDomain(values=(4, 8, 16, 1000)), 8, 1 / 3),
        (CategoricalDomain(values=("a", "b", "c")), "c", 2),
        (BoolDomain(), True, 1),
    ],
    ids=str,
)
def test_coordinates_follow_the_scale(domain: Domain, value: ParameterValue, coordinate: float) -> None:
    assert _encode(domain, value) == pytest.approx(coordinate, abs=1e-12)
    decoded = _decode(domain, coordinate)
    assert decoded == (value if isinstance(value, str) else pytest.approx(value, rel=1e-12))


def test_decades_of_a_log_scale_come_as_people_write_them() -> None:
    for exponent in range(1, 21):
        domain = FloatDomain(min=10.0**-exponent, max=1.0, scale=Scale.LOG)
        decades = [_decode(domain, step / exponent) for step in range(exponent + 1)]
        assert decades == [float(f"1e{step - exponent}") for step in range(exponent + 1)]


def test_reverse_log_mirrors_log() -> None:
    domain = FloatDomain(min=0.001, max=0.999, scale=Scale.REVERSE_LOG)
    mirrored = FloatDomain(min=0.001, max=0.999, scale=Scale.LOG)
    for value in (0.001, 0.5, 0.9, 0.99, 0.998):
        assert _encode(domain, value) == pytest.approx(1 - _encode(mirrored, 1.0 - value), abs=1e-9)
    assert _encode(domain, 0.99) < 0.75  # the last hundredth takes a good part of the range


def test_uniform_numbers_give_every_level_its_share() -> None:
    uniform = (np.arange(12_000) + 0.5) / 12_000
    for domain in (IntDomain(min=0, max=3), DiscreteDomain(values=(1.0, 5.0, 100.0)), BoolDomain()):
        (column,) = Encoding(space_of(p=domain)).columns
        _, counts = np.unique(column.spread(uniform), return_counts=True)
        assert len(counts) == domain.cardinality
        assert max(counts) - min(counts) <= 1


def test_log_levels_get_the_share_of_their_cell() -> None:
    (column,) = Encoding(space_of(p=IntDomain(min=1, max=1000, scale=Scale.LOG))).columns
    values = [column.decode(float(c)) for c in column.spread((np.arange(10_000) + 0.5) / 10_000)]
    decades = [sum(1 for value in values if low <= float(value) < 10 * low) for low in (1, 10, 100)]
    assert all(count == pytest.approx(10_000 / 3, rel=0.1) for count in decades)


def test_centre_takes_defaults_and_middles() -> None:
    space = SearchSpace(
        parameters=(
            *MIXED_SPACE.parameters[:5],
            Parameter(name="known", domain=FloatDomain(min=0.0, max=10.0), default=9.0),
            Parameter(name="name", domain=CategoricalDomain(values=("a", "b")), default="b"),
        )
    )
    encoding = Encoding(space)
    centre = encoding.decode(encoding.centre())
    assert centre["rate"] == pytest.approx(1e-3)
    assert (centre["momentum"], centre["width"], centre["known"], centre["name"]) == (0.5, 64, 9.0, "b")
