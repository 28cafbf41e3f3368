"""Whether parameters have values that keep linear constraints together: a small mixed-integer programme says so exactly."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asktell_server.domain.conditions import Forest
from asktell_server.domain.domains import BoolDomain, CategoricalDomain, DiscreteDomain, FloatDomain, IntDomain
from asktell_server.domain.linear import LinearConstraint
from asktell_server.domain.parameter import Parameter
from asktell_server.domain.ranges import Range, ends, narrowed, share_of_scale
from asktell_server.domain.values import Configuration, ParameterValue

LEAST_ROOM = 1e-6
"""Of the range of a continuous parameter: with less room for it a set counts as flat, and an equality has none."""
MOST_BRANCHES = 1000
"""Combinations of branches that are looked at before a set counts as empty."""
_MOST_ROOM = 0.5
_GAP = 0.5  # of the room: where levels are chosen, a search for more of it ends there
_WHOLE_LEVELS = 100_000  # more levels than this count as a continuum
_MOST_NODES = 20_000
_SLACK = 1e-6  # of a step


@dataclass(frozen=True, slots=True)
class Place:
    """Values of the parameters that matter to the constraints, and the room around them (1 = all of the range)."""

    values: Mapping[str, ParameterValue]
    room: float


def roomiest(
    parameters: Sequence[Parameter],
    forest: Forest | None,
    constraints: Sequence[LinearConstraint],
    *,
    having: str | None = None,
    fixed: Configuration | None = None,
) -> Place | None:
    """Values that keep the constraints, far from the bounds where there is room; None where there are none.

    Of parameters on which others depend there are values, too: those of a branch. With `having` it is one where that parameter
    exists, and with `fixed` (`fixed_values`) one that has these values. Both domains and constraints must be valid.
    """
    best: Place | None = None
    fixed = fixed or {}
    held = [_held(parameter, fixed) for parameter in parameters]
    for branch in itertools.islice(_branches(parameters, forest, constraints, having, fixed), MOST_BRANCHES):
        found = _solve(held, forest, constraints, branch)
        if found is not None and (best is None or found.room > best.room):
            best = found
        if best is not None and best.room >= LEAST_ROOM:
            break
    return best


def _held(parameter: Parameter, fixed: Configuration) -> Parameter:
    """The parameter with the number that it is fixed to as its only value."""
    if parameter.name not in fixed or isinstance(parameter.domain, CategoricalDomain | BoolDomain):
        return parameter
    return dataclasses.replace(parameter, domain=DiscreteDomain(values=(float(fixed[parameter.name]),)))


def _branches(
    parameters: Sequence[Parameter],
    forest: Forest | None,
    constraints: Sequence[LinearConstraint],
    having: str | None,
    fixed: Configuration,
) -> Iterator[dict[int, tuple[ParameterValue, ...]]]:
    """The values that parents may have together, for each set of constraints that they lead to; the easier ones first."""
    if forest is None:
        yield {}
        return
    names = [parameter.name for parameter in parameters]
    constrained = {names.index(name) for constraint in constraints for name in constraint.names}
    wanted = forest.line(names.index(having)) if having is not None else {}
    matters = constrained.union(wanted, wanted.values(), *(forest.line(place) for place in constrained))
    choices = []
    for place in forest.order:
        children = [
            link for link in forest.links if link is not None and link.parent == place and link.child in matters
        ]
        if not children:
            continue
        classes: dict[frozenset[int], list[ParameterValue]] = {}
        for value in _listed(
            parameters[place], [value for link in children for value in sorted(link.values, key=repr)]
        ):
            if parameters[place].name in fixed and value != fixed[parameters[place].name]:
                continue
            there = frozenset(link.child for link in children if value in link.values)
            if place not in wanted or wanted[place] in there:
                classes.setdefault(there, []).append(value)
        if place not in constrained:  # more children mean more constraints
            classes = {
                there: values for there, values in classes.items() if not any(other < there for other in classes)
            }
        choices.append([(place, tuple(classes[there])) for there in sorted(classes, key=len)])
    yield from map(dict, itertools.product(*choices))


def _listed(parameter: Parameter, named: Sequence[ParameterValue]) -> Sequence[ParameterValue]:
    """The values of a parent: those that conditions name, and where it has others, one of them, or all of a short list."""
    named = list(dict.fromkeys(named))
    count = parameter.domain.cardinality
    assert count is not None, "a parent has finitely many values"
    if count == len(named):
        return named
    domain = parameter.domain
    values: Iterator[ParameterValue] = (
        map(domain.level, range(count)) if isinstance(domain, FloatDomain | IntDomain) else iter(domain.levels())
    )
    known = set(named)
    return [*named, *itertools.islice((value for value in values if value not in known), 1000)]


class _Columns:
    """The variables of the programme: for each parameter those of which its value is a weighted sum."""

    def __init__(self) -> None:
        self.count = 1  # the first is the room
        self.upper = [_MOST_ROOM]
        self.whole = [False]
        self.one_of: list[list[int]] = []
        self.continuous: list[int] = []
        self.starts: dict[str, float] = {}
        self.parts: dict[str, list[tuple[int, float]]] = {}

    def add(self, parameter: Parameter, values: tuple[ParameterValue, ...] | None, within: Range) -> None:
        """Adds a parameter that has one of the `values`, or any of its domain within a range."""
        domain, name = parameter.domain, parameter.name
        assert not isinstance(domain, CategoricalDomain | BoolDomain), "constraints name numeric parameters"
        if isinstance(domain, DiscreteDomain) or values is not None:
            numbers = [float(value) for value in (values or domain.levels())]
            self.starts[name] = 0.0
            self.parts[name] = [(self._variable(1.0, whole=True), number) for number in numbers]
            self.one_of.append([variable for variable, _ in self.parts[name]])
            return
        low, high = within
        if (count := domain.cardinality) is not None:
            first, last = (
                math.ceil((low - domain.min) / domain.step - _SLACK),  # type: ignore[operator]  # it has a step
                math.floor((high - domain.min) / domain.step + _SLACK),  # type: ignore[operator]
            )
            first, last = max(first, 0), min(last, count - 1)
            low, high = float(domain.level(first)), float(domain.level(last))
            if last - first < _WHOLE_LEVELS:
                self.starts[name] = low
                self.parts[name] = [(self._variable(float(last - first), whole=True), float(domain.step or 1))]
                return
        self.starts[name] = low
        self.parts[name] = [(self._variable(1.0, whole=False), high - low)]
        self.continuous.append(self.count - 1)

    def _variable(self, upper: float, *, whole: bool) -> int:
        self.upper.append(upper)
        self.whole.append(whole)
        self.count += 1
        return self.count - 1


def _solve(
    parameters: Sequence[Parameter],
    forest: Forest | None,
    constraints: Sequence[LinearConstraint],
    branch: Mapping[int, tuple[ParameterValue, ...]],
) -> Place | None:
    there = _present(parameters, forest, branch)
    active = [constraint for constraint in constraints if all(name in there for name in constraint.names)]
    mine = {name: there[name][1] for name in there if any(name in constraint.names for constraint in active)}
    ranges = narrowed({name: ends(parameter) for name, parameter in mine.items()}, active)
    if ranges is None:
        return None
    if any(share_of_scale(parameter, ranges[name]) < LEAST_ROOM for name, parameter in mine.items()):
        return Place({}, 0.0)
    columns = _Columns()
    for name, parameter in mine.items():
        columns.add(parameter, branch.get(there[name][0]), ranges[name])
    answer = _programme(columns, active)
    if answer is None:
        return None
    values: dict[str, ParameterValue] = {parameters[place].name: options[0] for place, options in branch.items()}
    values = {name: value for name, value in values.items() if name in there}
    for name in columns.parts:
        values[name] = _value(there[name][1], columns, answer)
    return Place(values, float(answer[0]) if columns.continuous else _MOST_ROOM)


def _present(
    parameters: Sequence[Parameter], forest: Forest | None, branch: Mapping[int, tuple[ParameterValue, ...]]
) -> dict[str, tuple[int, Parameter]]:
    """The parameters that exist in a branch and may matter."""
    there: set[int] = set()
    for place in range(len(parameters)) if forest is None else forest.order:
        link = None if forest is None else forest.links[place]
        if link is None or (link.parent in there and branch.get(link.parent, (None,))[0] in link.values):
            there.add(place)
    return {parameters[place].name: (place, parameters[place]) for place in sorted(there)}


def _programme(columns: _Columns, constraints: Sequence[LinearConstraint]) -> np.ndarray | None:
    """The variables with the most room; None where nothing keeps all rows."""
    from scipy import optimize, sparse  # takes long to import, and few spaces have constraints

    rows: list[dict[int, float]] = []
    least: list[float] = []
    most: list[float] = []
    for constraint in constraints:
        coefficients, bound = constraint.at_most
        row: dict[int, float] = {}
        for name, coefficient in zip(constraint.names, coefficients, strict=True):
            bound -= coefficient * columns.starts[name]
            for variable, size in columns.parts[name]:
                row[variable] = coefficient * size
        scale = max(abs(size) * columns.upper[variable] for variable, size in row.items()) or 1.0
        row = {variable: size / scale for variable, size in row.items()}
        if any(variable in row for variable in columns.continuous):
            row[0] = 1.0
        rows.append(row)
        least.append(-np.inf)
        most.append(bound / scale)
    for variable in columns.continuous:  # room to both ends of the range
        rows += [{0: 1.0, variable: -1.0}, {0: 1.0, variable: 1.0}]
        least += [-np.inf, -np.inf]
        most += [0.0, 1.0]
    for variables in columns.one_of:
        rows.append(dict.fromkeys(variables, 1.0))
        least.append(1.0)
        most.append(1.0)
    if not rows:
        return np.zeros(columns.count)
    matrix = sparse.dok_array((len(rows), columns.count))
    for place, row in enumerate(rows):
        for variable, size in row.items():
            matrix[place, variable] = size
    cost = np.zeros(columns.count)
    cost[0] = -1.0
    answer = optimize.milp(
        cost,
        integrality=np.array(columns.whole, dtype=int),
        bounds=optimize.Bounds(0.0, np.array(columns.upper)),
        constraints=optimize.LinearConstraint(matrix.tocsr(), np.array(least), np.array(most)),
        options={"node_limit": _MOST_NODES, "mip_rel_gap": _GAP},
    )
    found: np.ndarray | None = answer.x
    return found


def _value(parameter: Parameter, columns: _Columns, answer: np.ndarray) -> ParameterValue:
    domain, parts = parameter.domain, columns.parts[parameter.name]
    assert not isinstance(domain, CategoricalDomain | BoolDomain), "constraints name numeric parameters"
    if len(parts) > 1 or isinstance(domain, DiscreteDomain):  # one of these values is chosen
        chosen = max(parts, key=lambda part: float(answer[part[0]]))[1]
        return next(value for value in domain.levels() if float(value) == chosen)
    ((variable, size),) = parts
    number = columns.starts[parameter.name] + size * float(answer[variable])
    if isinstance(domain, FloatDomain) and domain.step is None:
        return min(max(number, domain.min), domain.max)
    last = (domain.cardinality or 1) - 1
    return domain.level(min(max(round((number - domain.min) / (domain.step or 1)), 0), last))
