"""Katib's suggestion service, api.v1.beta1.Suggestion: problem and history come with every call, and nothing is kept."""
