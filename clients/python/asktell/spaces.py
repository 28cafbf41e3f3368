"""Search spaces: what may be tuned, and over which values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from asktell._core.not_yet import Refusing

__all__ = [
    "Bool",
    "Categorical",
    "Derived",
    "Discrete",
    "Domain",
    "Fidelity",
    "Float",
    "Int",
    "NormalPrior",
    "ParameterValue",
    "Prior",
    "Space",
    "WeightsPrior",
    "When",
]

T = TypeVar("T")

ParameterValue: TypeAlias = float | int | str | bool
"""A value of one parameter; an int stays an int."""

When: TypeAlias = Mapping[str, Sequence[ParameterValue]]
"""Another parameter, and those of its values beside which a parameter exists."""


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """Good values are believed to lie around `mean`: for Float, Int and Discrete.

    `relative_standard_deviation`: in (0, 1], a fraction of the range on the parameter's own scale; two thirds of the belief lie
    within it. Discrete numbers are equally far apart, as for the search.
    """

    mean: float
    relative_standard_deviation: float


@dataclass(frozen=True, slots=True)
class WeightsPrior:
    """How likely each value is to be a good one: for Discrete, Categorical and Bool (false, true).

    One weight of at least 0 for each value, in the domain's order; they need not sum to 1.
    """

    weights: Sequence[float]

    def __post_init__(self) -> None:
        """Keeps the weights as a tuple."""
        object.__setattr__(self, "weights", tuple(self.weights))


Prior: TypeAlias = NormalPrior | WeightsPrior
"""Where good values of a parameter are believed to lie."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """What trials cost at the values of the parameter that says how much of the whole they run, and how far apart its levels are.

    `fixed_cost_share`: the part of a trial's cost at the highest value that is spent at any, such as loading the data; in [0, 1).
    `reduction_factor`: one of so many configurations of a level is promoted to the next, which costs so many times as much; 2 to 10.
    """

    fixed_cost_share: float = 0.0
    reduction_factor: float = 3.0


@dataclass(frozen=True, slots=True)
class Float(Refusing):
    """A real number in [min, max].

    `log`: equal ratios matter equally (learning rates). `reverse_log`: resolves values near `max` (momentum).
    `step`: only min, min + step … are taken. `default`: a value known to work; the search starts from it. `prior`: where good
    values are believed to lie; the search begins there, and results outweigh it as they come.
    `when`: the parameter exists only while another one has one of the given values, as in `when={"opt": ["sgd"]}`;
    configurations of other values do not have it. The other one may itself have a `when`.
    `context`: the server never chooses its value: every ask states it, as in `study.ask(fixed={"dataset": "a"})`.
    `fidelity`: the parameter says how much of the whole a trial runs (epochs, the share of the data): True, or a `Fidelity`. New
    configurations begin at low values, and the best go on to the highest, which is what the study is about.
    """

    min: float
    max: float
    log: bool = False
    step: float | None = None
    reverse_log: bool = False
    default: float | None = None
    prior: Prior | None = field(default=None, kw_only=True)
    when: When | None = field(default=None, kw_only=True, hash=False)
    context: bool = field(default=False, kw_only=True)
    fidelity: bool | Fidelity | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Raises ValueError: both scales at once."""
        if self.log and self.reverse_log:
            raise ValueError("a range has one scale: either log or reverse_log")
        _keep_when(self)
        _keep_fidelity(self)


@dataclass(frozen=True, slots=True)
class Int(Refusing):
    """A whole number in [min, max], both ends within ±2^53; the rest as in Float."""

    min: int
    max: int
    log: bool = False
    step: int | None = None
    default: int | None = None
    prior: Prior | None = field(default=None, kw_only=True)
    when: When | None = field(default=None, kw_only=True, hash=False)
    context: bool = field(default=False, kw_only=True)
    fidelity: bool | Fidelity | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Keeps `when` as tuples. Raises TypeError, ValueError: it is not one parameter with its values."""
        _keep_when(self)
        _keep_fidelity(self)


@dataclass(frozen=True, slots=True)
class Discrete(Refusing):
    """One of 2 to 1,000 numbers in rising order: all ints or all floats (ints among floats become floats)."""

    values: Sequence[float]
    default: float | None = field(default=None, kw_only=True)
    prior: Prior | None = field(default=None, kw_only=True)
    when: When | None = field(default=None, kw_only=True, hash=False)
    context: bool = field(default=False, kw_only=True)
    fidelity: bool | Fidelity | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        """Keeps the values as a tuple of one kind."""
        values = tuple(self.values)
        if any(isinstance(value, float) for value in values):
            values = tuple(_as_float(value) for value in values)
            object.__setattr__(self, "default", _as_float(self.default))
        object.__setattr__(self, "values", values)
        _keep_when(self)
        _keep_fidelity(self)


def _as_float(value: T) -> T | float:
    # Only plain ints are made floats: what is no number at all is refused later, by name.
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


@dataclass(frozen=True, slots=True)
class Categorical(Refusing):
    """One of 2 to 1,000 names without an order."""

    values: Sequence[str]
    default: str | None = field(default=None, kw_only=True)
    prior: WeightsPrior | None = field(default=None, kw_only=True)
    when: When | None = field(default=None, kw_only=True, hash=False)
    context: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Keeps the values as a tuple. Raises TypeError: a single string, which Python takes for its letters."""
        if isinstance(self.values, str):
            raise TypeError(f"Categorical takes a list of strings, got the string {self.values!r}")
        object.__setattr__(self, "values", tuple(self.values))
        _keep_when(self)


@dataclass(frozen=True, slots=True)
class Bool(Refusing):
    """True or false."""

    default: bool | None = field(default=None, kw_only=True)
    prior: WeightsPrior | None = field(default=None, kw_only=True)
    when: When | None = field(default=None, kw_only=True, hash=False)
    context: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        """Keeps `when` as tuples. Raises TypeError, ValueError: it is not one parameter with its values."""
        _keep_when(self)


def _keep_when(domain: Domain) -> None:
    """Keeps `when` as a tuple of values: the mapping that was given stays the caller's to change."""
    when = domain.when
    if when is None:
        return
    if not isinstance(when, Mapping):
        raise TypeError(f'when must map a parameter to its values, as in {{"opt": ["sgd"]}}, got {type(when).__name__}')
    if len(when) != 1:
        raise ValueError(f"when must name one parameter, got {', '.join(map(repr, when)) or 'none'}")
    kept = {}
    for parent, values in when.items():
        if isinstance(values, str | bytes) or not isinstance(values, Iterable):
            raise TypeError(f"when[{parent!r}] must be a list of values, got {values!r:.80}")
        kept[parent] = tuple(values)
    object.__setattr__(domain, "when", kept)


def _keep_fidelity(domain: Float | Int | Discrete) -> None:
    """Keeps `fidelity` as a `Fidelity` or None. Raises TypeError: it is something else."""
    fidelity = domain.fidelity
    if isinstance(fidelity, bool):
        object.__setattr__(domain, "fidelity", Fidelity() if fidelity else None)
    elif fidelity is not None and not isinstance(fidelity, Fidelity):
        raise TypeError(f"fidelity must be True or a Fidelity, got {fidelity!r:.80}")


@dataclass(frozen=True, slots=True)
class Derived:
    """A value that follows from other parameters by arithmetic, as in `Derived("batch_size * accumulate")`.

    Trials have it in their `params`; the search knows nothing of it. `expression`: names of parameters, also derived ones,
    numbers, + - * / // % **, brackets, and abs, ceil, exp, floor, log, log10, log2, max, min, round, sqrt, with Python's
    meanings. A name with `-` or `/` stands in backticks. Where one of its parameters does not exist, neither does it.
    """

    expression: str


Domain: TypeAlias = Float | Int | Discrete | Categorical | Bool
"""The values one parameter may take."""

Space: TypeAlias = Mapping[str, Domain | Derived]
"""The parameters by name, in the order in which tables show them; derived ones come after the others."""
