"""Plots of a study with Altair, the extra `asktell[plot]`. Imported only where a plot is made."""
