"""How long one ask takes, asktell compared with its peers: `make bench-latency`."""
