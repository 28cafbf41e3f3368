"""Early stopping on recorded training curves: `python -m benchmarks.early_stopping`."""
