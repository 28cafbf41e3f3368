"""Context parameters: those that whoever asks states, and that the server never chooses."""

from __future__ import annotations

from collections.abc import Sequence

from asktell_server.domain.errors import InvalidArgument
from asktell_server.domain.parameter import Parameter


def validate_contexts(parameters: Sequence[Parameter], field: str) -> None:
    """Checks which parameters of a valid space are context.

    Raises:
        InvalidArgument: nothing is left to choose; a context parameter has a default or a prior, or exists beside values of a parameter that
            the server chooses. The field is `{field}.parameters`, or one of its parts.
    """
    contexts = {parameter.name for parameter in parameters if parameter.context}
    if len(contexts) == len(parameters):
        raise InvalidArgument(
            f"{field}.parameters", "must hold a parameter that is no context, so that there is a choice"
        )
    for index, parameter in enumerate(parameters):
        if not parameter.context:
            continue
        where = f"{field}.parameters[{index}]"
        if parameter.default is not None:
            raise InvalidArgument(
                f"{where}.default_value", f"must be unset: {parameter.name!r} is context, so every ask states its value"
            )
        if parameter.prior is not None:
            raise InvalidArgument(
                f"{where}.prior", f"must be unset: the server never chooses {parameter.name!r}, which is context"
            )
        if parameter.condition is not None and parameter.condition.parent not in contexts:
            raise InvalidArgument(
                f"{where}.condition.parent",
                f"must be a context parameter, since {parameter.name!r} is one, and {parameter.condition.parent!r} is not",
            )
