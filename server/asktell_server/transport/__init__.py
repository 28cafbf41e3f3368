"""The edge: wire messages to domain objects, domain errors to status codes. Nothing else."""
