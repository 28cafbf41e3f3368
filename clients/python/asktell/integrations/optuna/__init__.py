"""asktell as a sampler of Optuna, the extra `asktell[optuna]`.

study = optuna.create_study(sampler=AsktellSampler())
study.optimize(objective, n_trials=50)
"""

try:
    from asktell.integrations.optuna.sampler import AsktellSampler
except ModuleNotFoundError as _error:
    if _error.name != "optuna":
        raise
    raise ModuleNotFoundError(
        "the sampler needs Optuna, which is not installed: pip install 'asktell[optuna]'", name="optuna"
    ) from None

__all__ = ["AsktellSampler"]
