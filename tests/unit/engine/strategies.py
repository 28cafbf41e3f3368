"""Search spaces of every kind, for hypothesis."""

from __future__ import annotations

from hypothesis import strategies as st

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.space import (
    MAX_EXACT_INT,
    BoolDomain,
    CategoricalDomain,
    DiscreteDomain,
    Domain,
    FloatDomain,
    IntDomain,
    Scale,
)


def _valid(domain: Domain) -> bool:
    try:
        domain.validate("domain")
    except InvalidArgument:
        return False
    return True


@st.composite
def continua(draw: st.DrawFn) -> FloatDomain:
    """Float domains without a step, over the whole range of doubles."""
    scale = draw(st.sampled_from(Scale))
    bounds = st.floats(allow_nan=False, allow_infinity=False)
    if scale is not Scale.LINEAR:
        bounds = st.floats(min_value=1e-300, max_value=1e300)
    low, high = sorted((draw(bounds), draw(bounds)))
    return FloatDomain(min=low, max=high, scale=scale)


@st.composite
def stepped(draw: st.DrawFn) -> FloatDomain:
    """Float domains with a step as a person writes it."""
    scale = draw(st.sampled_from(Scale))
    step = draw(st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.25, 0.3, 1.0, 2.5, 1000.0]))
    low = draw(st.integers(1 if scale is not Scale.LINEAR else -1000, 1000)) * step
    cells = draw(st.integers(1, 3000))
    beyond = draw(st.sampled_from([0.0, 0.5])) * step  # the last step may end short of max
    return FloatDomain(min=low, max=float(f"{low + cells * step + beyond:.12g}"), scale=scale, step=step)


@st.composite
def integers(draw: st.DrawFn) -> IntDomain:
    """Int domains of up to 2^50 values."""
    scale = draw(st.sampled_from([Scale.LINEAR, Scale.LOG]))
    step = draw(st.sampled_from([1, 2, 7, 1024]))
    low = draw(st.integers(1 if scale is Scale.LOG else -(2**48), 2**48))
    span = draw(st.one_of(st.integers(1, 40), st.integers(1, 2**48 if scale is Scale.LINEAR else 10**6)))
    return IntDomain(min=low, max=min(low + span * step, MAX_EXACT_INT), scale=scale, step=step)


def discretes() -> st.SearchStrategy[DiscreteDomain]:
    """Ordered lists of ints or floats."""
    ints = st.lists(st.integers(-1000, 10**9), min_size=2, max_size=30, unique=True)
    floats = st.lists(st.floats(-1e9, 1e9).map(lambda value: value + 0.0), min_size=2, max_size=30, unique=True)
    return st.one_of(ints, floats).map(lambda values: DiscreteDomain(values=tuple(sorted(values))))


def categoricals() -> st.SearchStrategy[CategoricalDomain]:
    """Sets of names."""
    names = st.lists(st.text(min_size=1, max_size=5), min_size=2, max_size=20, unique=True)
    return names.map(lambda values: CategoricalDomain(values=tuple(values)))


def finite_domains() -> st.SearchStrategy[Domain]:
    """Every kind of domain that can be counted."""
    kinds: list[st.SearchStrategy[Domain]] = [stepped(), integers(), discretes(), categoricals(), st.just(BoolDomain())]
    return st.one_of(kinds).filter(_valid)


def continuous_domains() -> st.SearchStrategy[FloatDomain]:
    """Every kind of continuum."""
    return continua().filter(_valid)
