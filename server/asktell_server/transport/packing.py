"""Gzip over HTTP, kept away from the event loop: bodies are unpacked where large ones are parsed."""

from __future__ import annotations

import gzip
import zlib

from connectrpc.compression import Compression

from asktell_server.transport.calls import KIB

FAST_LEVEL = 1
"""For answers: 5 ms for 256 KiB of JSON, to a tenth of its size."""
MOST_PACKED_BYTES = 256 * KIB
"""Larger answers are sent in gzip's form without being made smaller: they would hold up all other calls."""


class Packed(bytes):
    """Bytes that are to be unpacked."""


class LateGzip(Compression):
    """Leaves the unpacking of requests to `unpack`."""

    def name(self) -> str:
        """As headers say it."""
        return "gzip"

    def compress(self, data: bytes | bytearray | memoryview) -> bytes:
        """An answer in gzip's form."""
        return gzip.compress(data, compresslevel=FAST_LEVEL if len(data) <= MOST_PACKED_BYTES else 0)

    def decompress(self, data: bytes | bytearray | memoryview, read_max_bytes: int | None = None) -> bytes:
        """A request as it came."""
        return Packed(data)


def unpack(data: bytes, most_bytes: int) -> bytes:
    """The bytes, or the first `most_bytes` + 1 of them: what is too large is not unpacked to its end.

    Raises:
        ValueError: it is not gzip.
    """
    parts: list[bytes] = []
    size = 0
    while data and size <= most_bytes:  # of what may be several files in a row
        unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        try:
            parts.append(unpacking.decompress(data, most_bytes + 1 - size))
        except zlib.error as error:
            raise ValueError(str(error)) from error
        size += len(parts[-1])
        if not unpacking.eof and size <= most_bytes:
            raise ValueError("it ends too early")
        data = unpacking.unused_data
    return b"".join(parts)
