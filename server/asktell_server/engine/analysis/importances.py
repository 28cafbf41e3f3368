"""Which parameters matter: Sobol indices of the model's mean over the space, of single parameters and of pairs.

Sobol indices say which share of a function's variance over its space comes from a parameter alone (first order), from a parameter
together with all others (total), and from two together beyond what each does alone (second order). The space is drawn from as its
scales have it: every value in the share that `Region.sample` gives it, one uniform number for each parameter.

- All parameters vary independently where no constraints bind them. The estimators are those of Jansen (1999) for totals, of Saltelli
  et al. (2010) for first and of Saltelli (2002) for second order, from scrambled Sobol points. Of a parameter that exists beside some
  values of others only, the number that stands for it varies everywhere, and makes no difference where the parameter is not there.
- Constraints on parameters make them depend on each other. What a parameter explains alone is then the variance of the mean along
  it, over the configurations that keep the constraints (a parameter may share in what another explains: shares may add up to more
  than 1); its total is the mean variance along it while all others stay (Kucherenko, Klymenko & Shah 2017).

Where a parameter is the fidelity, the others are looked at in trials of the whole: at its highest value, and it is not among them.

How sure the model is: the same indices of functions that it holds possible (`draws.py`), and their standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from asktell_server.engine.analysis.study_model import StudyModel

Numbers = npt.NDArray[np.float64]

_FLAT = 1e-10
"""Of the variance of standardised values: a function that varies less does not vary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Indices:
    """Shares of the variance of a function, or of several, over d parameters.

    Attributes:
        first: of each parameter alone (d), 0 to 1.
        total: of each together with all others (d), at least `first`, to 1.
        pairs: of two beyond what each does alone (d x d, the upper triangle), 0 to 1.
    """

    first: Numbers
    total: Numbers
    pairs: Numbers

    @classmethod
    def of(cls, *, first: Numbers, total: Numbers, pairs: Numbers, variance: Numbers) -> Indices:
        """Parts of the variances (F) of F functions as shares of them, within the bounds that estimates may miss by chance.

        The parts are (d x F), (d x F) and (d x d x F); so are the shares.
        """
        scale = np.where(variance > _FLAT, 1.0 / np.maximum(variance, _FLAT), 0.0)
        shares = np.clip(first * scale, 0.0, 1.0)
        upper = np.triu(np.ones(pairs.shape[:2], dtype=bool), 1)[:, :, None]
        return cls(
            first=shares,
            total=np.clip(np.maximum(total * scale, shares), 0.0, 1.0),
            pairs=np.where(upper, np.clip(pairs * scale, 0.0, 1.0), 0.0),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Importances:
    """The indices of the model's mean, and their standard deviations over the functions that the model holds possible."""

    names: tuple[str, ...]
    indices: Indices
    deviations: Indices


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportanceQuestion:
    """Asks for the importances of the parameters for a metric."""

    metric: str

    @property
    def size(self) -> int:
        """See Question."""
        return 10_000  # of 100 parameters: pairs twice, half of them zeros

    def answer(self, model: StudyModel) -> Importances:
        """See Question."""
        from asktell_server.engine.analysis.sobol import importances_of

        return importances_of(model, self.metric)
