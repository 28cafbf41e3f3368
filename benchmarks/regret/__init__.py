"""How good the configurations are: asktell beside its peers, `make bench-regret` or `python -m benchmarks.regret --help`."""
