"""Calls over HTTP/JSON, with nothing of gRPC."""

from __future__ import annotations

import http.client
import json
import re
from typing import Any

from tests.support.server import ServerProcess

SPACE = {
    "parameters": [{"name": "x", "floatDomain": {"min": 0, "max": 1}}, {"name": "n", "intDomain": {"min": 1, "max": 9}}]
}
STUDY = {
    "searchSpace": SPACE,
    "objectives": [{"metric": "loss", "goal": "GOAL_MINIMIZE"}],
    "algorithm": {"random": {}},
    "seed": "7",
}
"""Random search over SPACE."""


class Http:
    """A client of nothing but HTTP and JSON."""

    def __init__(self, address: str, *, token: str = "") -> None:
        host, _, port = address.rpartition(":")
        self._connection = http.client.HTTPConnection(host, int(port), timeout=30)
        self._headers = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}

    def call(self, method: str, body: object) -> tuple[int, dict[str, Any], http.client.HTTPMessage]:
        """POSTs a body; returns status, JSON and headers."""
        text = body if isinstance(body, str) else json.dumps(body)
        self._connection.request("POST", f"/asktell.v1.{method}", text, self._headers)
        response = self._connection.getresponse()
        return response.status, json.loads(response.read() or b"{}"), response.headers

    def ok(self, method: str, body: object) -> dict[str, Any]:
        """POSTs a body that must be taken."""
        status, answer, _ = self.call(method, body)
        assert status == 200, answer
        return answer

    def get(self, path: str) -> tuple[int, bytes]:
        """GETs a path."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        return response.status, response.read()

    def close(self) -> None:
        """Closes the connection."""
        self._connection.close()


def http_address(server: ServerProcess) -> str:
    """Where a server that was started with --http answers; after a restart it is another port."""
    found = re.findall(r"HTTP/JSON on (\S+)", server.log())
    assert found, server.log()
    return str(found[-1])
