"""What a server that other machines can reach must have, and what it says when it has not."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

from asktell_server.settings import Settings
from asktell_server.transport.addresses import host_of, is_ip_address, is_loopback

INSECURE_FLAG = "--insecure"

_ALL = {"0.0.0.0", "::"}  # noqa: S104  # compared, not listened on
_PASSWORD = re.compile(r"//[^/@]*@")
"""Of a store's URL; what is printed may end in a log."""


def exposed(settings: Settings) -> list[str]:
    """The addresses of the server, as `host:port`, that other machines can reach."""
    listened = [settings.listen, *([settings.http] if settings.http else [])]
    return [address for address in listened if not is_loopback(host_of(address))]


def refusal(settings: Settings, arguments: Sequence[str]) -> str | None:
    """Why the server must not start as it is set, with commands that mend it; None = it may.

    `arguments` are those of `asktell-server serve`, as they were given.
    """
    missing = _missing(settings)
    if not missing or settings.insecure:
        return None
    command = shlex.join(["asktell-server", "serve", *(_PASSWORD.sub("//...@", argument) for argument in arguments)])
    host = next(host_of(address) for address in exposed(settings))
    name = f"{'IP' if is_ip_address(host) else 'DNS'}:{host}"
    if host in _ALL:
        host, name = "$(hostname)", "DNS:$(hostname)"
    mended = []
    if "token" in missing:
        mended.append('export ASKTELL_TOKEN="$(openssl rand -hex 32)"    # clients need the same')
    if "TLS" in missing:
        mended.append(
            f"openssl req -x509 -newkey rsa:2048 -nodes -days 365 -keyout key.pem -out cert.pem -subj /CN={host} "
            f"-addext subjectAltName={name}    # or a certificate of your own; clients: ASKTELL_TLS_CA=cert.pem"
        )
        command += " --tls-cert cert.pem --tls-key key.pem"
    lines = "\n".join(f"  {line}" for line in (*mended, command))
    return (
        f"other machines can reach {' and '.join(exposed(settings))}, and the server has no {' and no '.join(missing)}. "
        f"These commands mend it:\n\n{lines}\n\n"
        f"For this machine alone listen on 127.0.0.1. In a network where everybody is trusted, {INSECURE_FLAG} starts the "
        "server as it is."
    )


def warning(settings: Settings) -> str | None:
    """What a server gives away that was started with --insecure; None = nothing."""
    missing = _missing(settings)
    if not missing:
        return None
    consequences = {
        "token": "whoever reaches it may read, change and delete every study",
        "TLS": "whoever sees its traffic reads every token and every result",
    }
    meaning = "; ".join(f"without {each} {consequences[each]}" for each in missing)
    return f"INSECURE ({INSECURE_FLAG}): other machines can reach {' and '.join(exposed(settings))}; {meaning}"


def _missing(settings: Settings) -> list[str]:
    """What the server should have and has not."""
    if not exposed(settings):
        return []
    return [
        *(["token"] if settings.token is None and settings.tls_client_ca is None else []),
        *(["TLS"] if settings.tls_certificate is None else []),
    ]
