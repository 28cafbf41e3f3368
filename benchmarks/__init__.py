"""What a server does on this machine: `make bench`, or `python -m benchmarks --help`."""
