"""The way of an ask, and the suggestions that are prepared for the next ones.

`ask` collects the asks that wait for a study, `round` serves them together: it reads the study, works out once what it
can offer (`offer`), shares that among the asks (`sharing`) and starts the trials (`starting`). `preparing` and `making`
compute suggestions before anybody asks, as often as `demand` says that it pays.
"""
