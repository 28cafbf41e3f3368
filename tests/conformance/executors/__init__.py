"""Executors of the languages that need no build."""
