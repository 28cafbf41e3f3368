"""Suggestions: a pure function of problem and history. Knows no study name, no clock, no network."""
