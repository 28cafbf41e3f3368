"""The ledger: an append-only record of studies and trials. Each change is one atomic step."""
