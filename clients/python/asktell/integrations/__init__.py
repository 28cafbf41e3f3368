"""asktell inside other libraries: one module or package each, whose library is imported where it is used.

Callbacks report a training to its trial, and end it when the study's early stopping says so.

    callback = LightningCallback(trial)
    Trainer(max_epochs=50, callbacks=[callback]).fit(model, training, validation)
    callback.tell()

Each comes with its framework: `pip install 'asktell[lightning]'`, `[transformers]`,
`[xgboost]`, `[lightgbm]`, `[keras]`. docs/integrations.md has the lines for each.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asktell.integrations.keras import KerasCallback
    from asktell.integrations.lightgbm import LightGBMCallback
    from asktell.integrations.lightning import LightningCallback
    from asktell.integrations.transformers import TransformersCallback
    from asktell.integrations.xgboost import XGBoostCallback

__all__ = ["KerasCallback", "LightGBMCallback", "LightningCallback", "TransformersCallback", "XGBoostCallback"]

_MODULES = {name: f"{__name__}.{name.removesuffix('Callback').lower()}" for name in __all__}

if not TYPE_CHECKING:  # type checkers would take it for every name

    def __getattr__(name: str) -> Any:
        """A callback. Raises ModuleNotFoundError: its framework is not installed, and how to install it."""
        if name not in _MODULES:
            raise AttributeError(f"asktell.integrations has no {name!r}; its callbacks are {', '.join(__all__)}")
        return getattr(importlib.import_module(_MODULES[name]), name)

    def __dir__() -> list[str]:
        return __all__
