"""A certificate authority for a run of the corpus, and a server's certificate that it signed."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files. `other_ca` signed nothing."""

    ca: Path
    other_ca: Path
    server: Path
    server_key: Path


# A leaf of its own, CA:FALSE: rustls refuses a self-signed certificate that is its own root.
_LEAF = "basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"


def make_certificates(folder: Path) -> Certificates:
    """Makes them with openssl, valid for a day."""
    folder.mkdir(parents=True, exist_ok=True)
    made = Certificates(
        ca=folder / "ca.pem",
        other_ca=folder / "other_ca.pem",
        server=folder / "server.pem",
        server_key=folder / "server.key",
    )
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    for ca in (made.ca, made.other_ca):
        subject = f"/CN=asktell conformance {ca.stem}"
        _openssl("req", "-x509", *curve, "-days", "1", "-subj", subject, "-keyout", f"{ca}.key", "-out", str(ca))
    request, extensions = folder / "server.csr", folder / "leaf.cnf"
    extensions.write_text(_LEAF)
    _openssl("req", *curve, "-subj", "/CN=localhost", "-keyout", str(made.server_key), "-out", str(request))
    signer = ("-CA", str(made.ca), "-CAkey", f"{made.ca}.key", "-CAcreateserial")
    files = ("-in", str(request), "-extfile", str(extensions), "-out", str(made.server))
    _openssl("x509", "-req", "-days", "1", *signer, *files)
    return made


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
