"""How large requests may be, in bytes as the parser gets them. A method that names none of these takes 2 MiB."""

from __future__ import annotations

from asktell_server.transport.calls import MIB

RECORD_BYTES = 16 * MIB
"""A whole study or trial: 100 parameters of 1,000 choices in JSON, or the text of a study file with every character escaped."""

BATCH_BYTES = 32 * MIB
"""Many at once: 20,000 observations of a large space fit."""
