"""Served protocols: a folder each, which gives services from the use cases."""
