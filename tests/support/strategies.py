"""Hypothesis strategies for the domain's values: everything they draw is valid."""

from __future__ import annotations

import string
from datetime import UTC
from typing import Any

from hypothesis import strategies as st

from asktell_server.domain.algorithm import Algorithm, Auto, Bayesian, Grid, Manual, Random, Sobol
from asktell_server.domain.early_stopping import (
    Hyperband,
    MedianStopping,
    PatienceStopping,
    PercentileStopping,
    StoppingRule,
    SuccessiveHalving,
    ThresholdStopping,
)
from asktell_server.domain.goals import Goals
from asktell_server.domain.linear_text import read_constraint
from asktell_server.domain.metrics import Goal, Metric, Metrics, Objective, Split, TrackedMetric
from asktell_server.domain.names import StudyName
from asktell_server.domain.provenance import Fit, Provenance
from asktell_server.domain.space import (
    ABSENT,
    BoolDomain,
    CategoricalDomain,
    Condition,
    Configuration,
    DiscreteDomain,
    Domain,
    Fidelity,
    FloatDomain,
    IntDomain,
    NormalPrior,
    Parameter,
    ParameterValue,
    Prior,
    Scale,
    SearchSpace,
    WeightsPrior,
)
from asktell_server.domain.study import LeasePolicy, StoppingRules, Study
from asktell_server.domain.trial import (
    Amendment,
    Belief,
    Origin,
    Prediction,
    Result,
    SupersededResult,
    Trial,
    TrialState,
)

_EXACT = 2**53

ids = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,62}", fullmatch=True)
"""Project and study ids."""

study_names = st.builds(StudyName, project=ids, study_id=ids)

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_./-]{0,20}", fullmatch=True)
"""Names of parameters and metrics."""

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(codec="utf-8"), max_size=20)
"""What protobuf takes as a string: everything but surrogates."""

times = st.datetimes(timezones=st.just(UTC))
label_maps = st.dictionaries(st.text(string.printable, min_size=1, max_size=63), texts, max_size=4)


@st.composite
def float_domains(draw: st.DrawFn, *, stepped: bool | None = None) -> FloatDomain:
    """Ranges of moderate size; on a grid of steps as `stepped` says, a third of them where it says nothing."""
    scale = draw(st.sampled_from(Scale))
    low = draw(st.floats(1e-6 if scale is not Scale.LINEAR else -1e6, 1e6))
    width = draw(st.floats(1e-3, 1e6))
    high = low + width
    if stepped is None:
        stepped = draw(st.sampled_from([False, False, True]))
    step = draw(st.floats(1e-3, 1.0)) * (high - low) if stepped else None
    return FloatDomain(min=low, max=high, scale=scale, step=step)


@st.composite
def int_domains(draw: st.DrawFn) -> IntDomain:
    """Ranges up to the widest that is exact everywhere."""
    scale = draw(st.sampled_from([Scale.LINEAR, Scale.LOG]))
    low = draw(st.integers(1 if scale is Scale.LOG else -_EXACT, _EXACT - 1))
    high = draw(st.integers(low + 1, _EXACT))
    return IntDomain(min=low, max=high, scale=scale, step=draw(st.integers(1, high - low)))


discrete_domains = st.one_of(
    st.lists(st.integers(-_EXACT, _EXACT), min_size=2, max_size=8, unique=True),
    st.lists(finite.map(lambda value: value + 0.0), min_size=2, max_size=8, unique=True),
).map(lambda values: DiscreteDomain(values=tuple(sorted(values))))

categorical_domains = st.lists(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=10), min_size=2, max_size=8, unique=True
).map(lambda values: CategoricalDomain(values=tuple(values)))

domains: st.SearchStrategy[Domain] = st.one_of(
    float_domains(), int_domains(), discrete_domains, categorical_domains, st.just(BoolDomain())
)


def values_of(domain: Domain) -> st.SearchStrategy[ParameterValue]:
    """Values of a domain, in the form that the domain keeps."""
    match domain:
        case FloatDomain(step=None):
            return st.floats(domain.min, domain.max).map(lambda value: value + 0.0)
        case FloatDomain() | IntDomain():
            return st.integers(0, (domain.cardinality or 1) - 1).map(domain.level)
        case _:
            return st.sampled_from(domain.levels())


@st.composite
def normal_priors(draw: st.DrawFn, low: float, high: float) -> NormalPrior:
    """Bells around a number of the range."""
    deviation = draw(st.floats(0, 1, exclude_min=True))
    return NormalPrior(mean=float(draw(st.floats(low, high))), relative_standard_deviation=deviation)


def priors(domain: Domain) -> st.SearchStrategy[Prior]:
    """Priors on a domain."""
    if isinstance(domain, FloatDomain | IntDomain):
        return normal_priors(domain.min, domain.max)
    count = domain.cardinality
    weights = st.lists(st.floats(0, 1e308), min_size=count, max_size=count).filter(any)
    weighted = weights.map(lambda each: WeightsPrior(weights=tuple(each)))
    return (
        st.one_of(normal_priors(domain.values[0], domain.values[-1]), weighted)
        if isinstance(domain, DiscreteDomain)
        else weighted
    )


@st.composite
def parameters(draw: st.DrawFn, name: str) -> Parameter:
    """A parameter, sometimes with a default or a prior."""
    domain = draw(domains)
    return Parameter(
        name=name,
        domain=domain,
        default=draw(st.one_of(st.none(), values_of(domain))),
        prior=draw(st.one_of(st.none(), priors(domain))),
    )


@st.composite
def spaces(draw: st.DrawFn) -> SearchSpace:
    """Spaces of up to five parameters."""
    unique = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    return SearchSpace(parameters=tuple(draw(parameters(name)) for name in unique))


def configurations(space: SearchSpace) -> st.SearchStrategy[Configuration]:
    """Configurations of a space."""
    return st.fixed_dictionaries({parameter.name: values_of(parameter.domain) for parameter in space.parameters})


metrics: st.SearchStrategy[Metrics] = st.dictionaries(
    names,
    st.builds(Metric, value=finite, standard_error=st.one_of(st.none(), st.floats(0, 1e300))),
    max_size=3,
)
results = st.builds(
    Result,
    state=st.sampled_from([TrialState.SUCCEEDED, TrialState.STOPPED, TrialState.FAILED, TrialState.INFEASIBLE]),
    metrics=metrics,
)
fits = st.builds(
    Fit,
    noise=finite,
    length_scales=st.lists(finite, max_size=3).map(tuple),
    weights=st.sampled_from([(), (1.0, 0.5, 0.25)]),
)
provenances = st.builds(
    Provenance,
    sequence=st.integers(0, _EXACT),
    digest=st.binary(max_size=8),
    count=st.integers(1, 1000),
    index=st.integers(0, 999),
    warm_start=st.binary(max_size=100),
    fit=st.one_of(st.none(), fits),
    engine=texts,
    fallback_reason=texts,
    prepared=st.booleans(),
    fixed=st.dictionaries(names, st.one_of(finite, st.integers(-_EXACT, _EXACT), texts, st.booleans()), max_size=2),
    prepared_pending=st.lists(
        st.lists(
            st.one_of(finite, st.integers(-_EXACT, _EXACT), texts, st.booleans(), st.just(ABSENT)), max_size=3
        ).map(tuple),
        max_size=2,
    ).map(tuple),
)
trials = st.builds(
    Trial,
    number=st.integers(1, _EXACT),
    state=st.sampled_from(TrialState),
    parameters=spaces().flatmap(configurations),
    origin=st.sampled_from(Origin),
    attempt=st.integers(0, 100),
    lease_id=texts,
    worker_id=texts,
    metrics=metrics,
    reason=texts,
    create_time=times,
    start_time=st.one_of(st.none(), times),
    finish_time=st.one_of(st.none(), times),
    labels=label_maps,
    annotations=label_maps,
    note=texts,
    prediction=st.one_of(
        st.none(),
        st.builds(
            Prediction,
            beliefs=st.dictionaries(
                texts, st.builds(Belief, mean=finite, standard_deviation=finite), min_size=1, max_size=3
            ),
            acquisition_value=finite,
        ),
    ),
    provenance=st.one_of(st.none(), provenances),
    amendments=st.lists(st.builds(Amendment, amend_time=times, previous=results, reason=texts), max_size=2).map(tuple),
    superseded_results=st.lists(
        st.builds(SupersededResult, tell_time=times, lease_id=texts, result=results), max_size=2
    ).map(tuple),
    import_key=texts,
    continue_from=st.integers(0, 2**40),
)


@st.composite
def algorithms(draw: st.DrawFn, space: SearchSpace) -> Algorithm:
    """Algorithms that fit a space."""
    grid = Grid(default_levels=2)
    kinds: list[Algorithm] = [Auto(), Manual(), Random(), Sobol(), Bayesian(start_trials=draw(st.integers(1, 1000)))]
    if grid.size(space) <= 1_000_000:
        kinds.append(grid)
    return draw(st.sampled_from(kinds))


@st.composite
def studies(draw: st.DrawFn) -> Study:
    """Active studies as a caller may create them."""
    space = draw(st.one_of(spaces(), conditional_spaces(), contextual_spaces(), spaces_with_fidelity()))
    metric_names = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    created = draw(times)
    algorithm = draw(algorithms(space))
    gains: st.SearchStrategy[float | None] = st.none()
    one_best = space.fidelity is None and not any(parameter.context for parameter in space.parameters)
    if algorithm.uses_model and one_best:
        gains |= st.floats(1e-300, 1e300)
    return Study(
        name=draw(study_names),
        display_name=draw(texts),
        space=space,
        goals=Goals(
            objectives=(
                Objective(
                    metric=metric_names[0],
                    goal=draw(st.sampled_from(Goal)),
                    split=draw(st.sampled_from([Split.VALIDATION, Split.TRAIN])),
                ),
            )
        ),
        tracked_metrics=tuple(
            TrackedMetric(metric=name, split=draw(st.sampled_from(Split))) for name in metric_names[1:]
        ),
        algorithm=algorithm,
        stopping=StoppingRules(
            max_trials=draw(st.one_of(st.none(), st.integers(1, 2**31 - 1))),
            target_value=draw(st.one_of(st.none(), finite)),
            patience_trials=draw(st.one_of(st.none(), st.integers(1, 2**31 - 1))),
            deadline=draw(st.one_of(st.none(), times)),
            min_expected_gain=draw(gains),
        ),
        lease=LeasePolicy(
            duration_s=float(draw(st.sampled_from([0, 1, 60, 604_800]))), max_attempts=draw(st.integers(1, 100))
        ),
        max_running_trials=draw(st.integers(0, 2**31 - 1)),
        replicates=draw(st.integers(1, 1000)),
        max_staleness=draw(st.none() | st.integers(0, 1000)),
        early_stopping=draw(st.lists(stopping_rules(), max_size=3).map(tuple)),
        seed=draw(st.integers(0, _EXACT - 1)),
        labels=draw(label_maps),
        annotations=draw(label_maps),
        note=draw(texts),
        create_time=created,
        update_time=created,
    )


def stopping_rules() -> st.SearchStrategy[StoppingRule]:
    """Early-stopping rules on a study's only objective."""
    steps, count, gain = st.integers(1, 2**63 - 1), st.integers(1, 2**31 - 1), st.floats(0, 1e300)
    common: dict[str, Any] = {"grace_trials": st.integers(0, 2**31 - 1)}
    periodic = {"min_steps": st.integers(0, 2**63 - 1), "interval_steps": steps, **common}
    halving = {"reduction_factor": st.integers(2, 2**31 - 1), **common}
    return st.one_of(
        st.builds(MedianStopping, min_trials=count, **periodic),
        st.builds(PercentileStopping, percentile=st.floats(0.1, 99.9), min_trials=count, **periodic),
        st.builds(ThresholdStopping, max=finite, min=st.none(), **periodic),
        st.builds(ThresholdStopping, max=st.none(), min=finite, **periodic),
        st.builds(PatienceStopping, patience_steps=steps, min_gain=gain, min_steps=steps, **common),
        st.builds(SuccessiveHalving, min_steps=steps, **halving),
        st.builds(Hyperband, min_steps=st.integers(1, 99), max_steps=st.integers(100, 2**63 - 1), **halving),
    )


@st.composite
def contextual_spaces(draw: st.DrawFn) -> SearchSpace:
    """Spaces of a context parameter and one to four others."""
    others = draw(spaces())
    context = Parameter(name="a/context", domain=draw(domains), context=True)
    return SearchSpace(parameters=(*others.parameters[:4], context))


@st.composite
def spaces_with_fidelity(draw: st.DrawFn) -> SearchSpace:
    """Spaces of a fidelity and one to five others."""
    kinds: list[Domain] = [
        IntDomain(min=1, max=81),
        FloatDomain(min=0.1, max=1.0),
        DiscreteDomain(values=(32, 64, 224)),
    ]
    settings = st.builds(Fidelity, fixed_cost_share=st.floats(0, 0.9), reduction_factor=st.floats(2, 10))
    fidelity = Parameter(name="a/fidelity", domain=draw(st.sampled_from(kinds)), fidelity=draw(settings))
    others = draw(spaces())
    return SearchSpace(parameters=(*others.parameters, fidelity))


@st.composite
def conditional_spaces(draw: st.DrawFn, *, finite_only: bool = False) -> SearchSpace:
    """Small spaces of one to six parameters, some of which depend on others, to any depth and in any order."""
    kinds: list[Domain] = [
        IntDomain(min=1, max=3),
        CategoricalDomain(values=("a", "b", "c")),
        BoolDomain(),
        DiscreteDomain(values=(0.5, 2.0)),
        FloatDomain(min=0.0, max=0.3, step=0.1),
    ]
    if not finite_only:
        kinds.append(FloatDomain(min=1e-3, max=1.0, scale=Scale.LOG))
    count = draw(st.integers(1, 6))
    domains = [draw(st.sampled_from(kinds)) for _ in range(count)]
    parameters = []
    for place, domain in enumerate(domains):
        parents = [other for other in range(place) if domains[other].cardinality is not None]
        condition = None
        if draw(st.booleans()) and parents:
            parent = draw(st.sampled_from(parents))
            levels: list[ParameterValue] = list(domains[parent].levels())
            values = draw(st.lists(st.sampled_from(levels), min_size=1, max_size=2, unique=True))
            condition = Condition(parent=f"p{parent}", values=tuple(values))
        parameters.append(Parameter(name=f"p{place}", domain=domain, condition=condition))
    space = SearchSpace(parameters=tuple(draw(st.permutations(parameters))))
    space.validate("space")
    return space


@st.composite
def constrained_spaces(draw: st.DrawFn, *, finite_only: bool = False) -> SearchSpace:
    """Small spaces with one to three linear constraints on two to four numeric parameters; some have conditions.

    The constraints are such that a configuration which is drawn first keeps them, with some room.
    """
    kinds: list[Domain] = [
        IntDomain(min=1, max=4),
        IntDomain(min=0, max=6, step=2),
        DiscreteDomain(values=(0.5, 2.0, 8.0)),
        FloatDomain(min=0.0, max=0.4, step=0.1),
        IntDomain(min=1, max=16, scale=Scale.LOG),
    ]
    if not finite_only:
        kinds += [FloatDomain(min=-1.0, max=1.0), FloatDomain(min=1e-3, max=1.0, scale=Scale.LOG)]
    domains = [draw(st.sampled_from(kinds)) for _ in range(draw(st.integers(2, 4)))]
    names = [f"p{place}" for place in range(len(domains))]
    known = {name: _inside(draw, domain) for name, domain in zip(names, domains, strict=True)}
    branch = CategoricalDomain(values=("a", "b"))
    conditions = [draw(st.sampled_from([None, None, Condition(parent="branch", values=("a",))])) for _ in names]
    constraints = []
    for _ in range(draw(st.integers(1, 3))):
        chosen = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
        weights = {name: draw(st.sampled_from([-2.0, -1.0, 0.5, 1.0, 3.0])) for name in chosen}
        total = sum(weight * known[name] for name, weight in weights.items())
        sign, room = draw(st.sampled_from([("<=", 0.05), (">=", -0.05)]))
        text = " + ".join(f"{weight!r}*{name}" for name, weight in weights.items())
        constraints.append(read_constraint(f"{text} {sign} {total + room!r}", field="constraint"))
    parameters = [
        Parameter(name=name, domain=domain, condition=condition)
        for name, domain, condition in zip(names, domains, conditions, strict=True)
    ]
    if (
        not finite_only
    ):  # or else the other branch could be finite, and all of it known, with next to no draws in the one
        other = Condition(parent="branch", values=("b",))
        parameters.append(Parameter(name="other", domain=FloatDomain(min=0.0, max=1.0), condition=other))
    space = SearchSpace(
        parameters=(Parameter(name="branch", domain=branch), *parameters), parameter_constraints=tuple(constraints)
    )
    space.validate("space")
    return space


def _inside(draw: st.DrawFn, domain: Domain) -> float:
    """A number of the domain; of a range one that is not at its ends."""
    if isinstance(domain, FloatDomain) and domain.step is None:
        return draw(st.sampled_from([0.25, 0.5, 0.75])) * (domain.max - domain.min) + domain.min
    return float(draw(st.sampled_from(list(domain.levels()))))
