"""The model behind the Bayesian sampler.

Making suggestions with it imports torch, so that is left to worker processes and offline tools. The server's own process
imports no more than what names fitted hyperparameters (`fitted.py`).
"""
