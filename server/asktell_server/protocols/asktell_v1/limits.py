"""How large requests may be, in bytes as the parser gets them. A method that names none of these takes 2 MiB."""

from __future__ import annotations

from asktell_server.transport.calls import MIB

RECORD_BYTES = 16 * MIB
"""A whole study or trial: 100 parameters of 1,000 choices in JSON, or the text of a study file with every character escaped."""

BATCH_BYTES = 20 * MIB
"""Many at once: 20,000 observations of 1 KiB. gRPC joins a body in one go on the loop, 2 ms a MiB: 32 MiB held it for 69 ms, 20 hold it for 40."""
