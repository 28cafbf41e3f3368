"""asktell.v1, our own protocol: its messages to use cases and back. Nothing else."""
