"""The asktell server: ask/tell hyperparameter tuning over gRPC on a durable ledger."""

from importlib.metadata import version

__version__ = version("asktell-server")
