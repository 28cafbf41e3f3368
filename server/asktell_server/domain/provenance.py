"""How the engine came to suggest a configuration: enough to do it again from the study's log."""

from __future__ import annotations

from dataclasses import dataclass, field

from asktell_server.domain.values import Configuration, Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The hyperparameters of a Gaussian process, fitted to standardised costs.

    Attributes:
        noise: variance of an observation.
        length_scales: one per parameter, in the order of the space. On numbers 1 is the whole range; on categories it
            is in values that differ. The shorter, the more the parameter matters.
        weights: of the numbers' kernel, the categories' kernel and their product; empty where there is one kind only.
    """

    noise: float
    length_scales: tuple[float, ...]
    weights: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What the engine knew and was asked for when it suggested a configuration.

    Attributes:
        sequence: position of the study's log that the engine's history comes from.
        digest: of that history, because a server may know a little more than what it read at `sequence`; empty = none taken.
        count: how many suggestions were asked for at once.
        index: which of them this one is, from 0.
        warm_start: the hyperparameters that the fit began from, opaque; empty = none, or no model was used.
        fit: the hyperparameters that the model of the first metric ended at; None where no model was used.
        other_fits: those of the other metrics of the study's goals, in their order.
        engine: version of the server that suggested.
        fallback_reason: why the model was not used, where it should have been.
        prepared: it was made before anybody asked for it.
        prepared_pending: keys of the last of the pending configurations: those that were prepared and not trials yet,
            which the log does not know.
        cost_exponent: how much it was to mind what trials cost (`StudyTask.cost_exponent`).
        fixed: values that it was to have (`fixed_values`).
        informed: the model was one of earlier results, too: those of parents.
    """

    sequence: int
    digest: bytes = b""
    count: int = 1
    index: int = 0
    warm_start: bytes = b""
    fit: Fit | None = None
    engine: str = ""
    fallback_reason: str = ""
    prepared: bool = False
    prepared_pending: tuple[Key, ...] = ()
    other_fits: tuple[Fit, ...] = ()
    cost_exponent: float = 0.0
    fixed: Configuration = field(default_factory=dict)
    informed: bool = False

    @property
    def fits(self) -> tuple[Fit, ...]:
        """The hyperparameters of each metric's model, in the order of the goals; empty where no model was used."""
        return () if self.fit is None else (self.fit, *self.other_fits)
