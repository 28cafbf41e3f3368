"""The conformance corpus and its runner: see README.md."""
