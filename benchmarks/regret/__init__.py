"""How good the configurations are: asktell compared with its peers, `make bench-regret` or `python -m benchmarks.regret --help`."""
