"""Certificates made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path


def openssl(*arguments: str) -> None:
    """Runs openssl; it must succeed."""
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def self_signed(home: Path, *, certificate: str = "cert.pem", key: str = "key.pem") -> None:
    """Writes a certificate for localhost that vouches for itself, and its private key."""
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost")
    openssl("req", "-x509", *new, "-keyout", str(home / key), "-out", str(home / certificate))
