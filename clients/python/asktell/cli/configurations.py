"""Configurations that people ask about: the best one with some values of their own."""

from __future__ import annotations

from collections.abc import Mapping

from asktell._core.study_view import StudyView
from asktell.spaces import Domain, ParameterValue


def chosen_parameters(study: StudyView, params: Mapping[str, ParameterValue]) -> dict[str, ParameterValue]:
    """A trial's values without those that are derived from them."""
    domains = study.domains
    return {name: value for name, value in params.items() if name in domains}


def what_if(
    study: StudyView, best: Mapping[str, ParameterValue], given: Mapping[str, ParameterValue]
) -> dict[str, ParameterValue]:
    """The best configuration with the given values. What does not exist beside them is left out, and what begins to
    exist has its default, where it has one: the server names the others.
    """
    domains = study.domains
    values = {**chosen_parameters(study, best), **given}
    found: dict[str, ParameterValue] = {}
    for name in _parents_first(domains):
        domain = domains[name]
        exists = all(found.get(parent) in values_ for parent, values_ in (domain.when or {}).items())
        if not exists and name not in given:
            continue  # a value that was given beside others that rule it out is the server's to refuse
        if name in values:
            found[name] = values[name]
        elif domain.default is not None:
            found[name] = domain.default
    return found


def _parents_first(domains: Mapping[str, Domain]) -> list[str]:
    """The parameters, each behind the one that its condition names."""

    def depth(name: str) -> int:
        when = domains[name].when
        return 0 if when is None else 1 + max(depth(parent) for parent in when)

    return sorted(domains, key=depth)
