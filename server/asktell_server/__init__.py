"""The asktell server: ask/tell hyperparameter tuning over gRPC on a durable ledger."""
