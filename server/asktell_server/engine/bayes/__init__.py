"""The model behind the Bayesian sampler. Imports torch: only worker processes and offline tools import this."""
