"""How long one ask takes, asktell beside its peers: `make bench-latency`."""
