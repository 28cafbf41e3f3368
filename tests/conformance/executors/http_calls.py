"""Calls by plain HTTP and JSON, with nothing but http.client: what a program without a gRPC library would write.

Deadline, retries with the same body (and so the same request id) on UNAVAILABLE and CONTENTION, several addresses.
"""

from __future__ import annotations

import base64
import http.client
import json
import random
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.rpc import error_details_pb2

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 5.0
_CONTENTION_TRIES = 8
_LAST_OF_STREAM = 2
Json = dict[str, Any]


class CallError(Exception):
    """What a call ended with. `code` is Connect's word for the status, `reason` asktell's."""

    def __init__(self, code: str, message: str, *, reason: str = "", retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.retry_after_s = retry_after_s
        self.metadata: dict[str, str] = {}

    def __str__(self) -> str:
        """In the words of every client."""
        text = super().__str__()
        return f"study is complete: {text}" if self.reason == "STUDY_COMPLETE" else text


@dataclass(slots=True, kw_only=True)
class Caller:
    """Makes calls to one of several servers in turn; safe to use from several threads."""

    addresses: list[str]
    token: str
    tls: ssl.SSLContext | None
    timeout_s: float = 30.0
    ask_timeout_s: float = 60.0
    _turn: int = field(default_factory=lambda: random.randrange(1000))

    def __call__(self, method: str, body: Json, *, timeout_s: float | None = None) -> Json:
        """Answers of a unary method. Raises CallError."""
        if timeout_s is None:
            timeout_s = self.ask_timeout_s if method.endswith(("/Ask", "/Suggest")) else self.timeout_s
        deadline, delay, tries = time.monotonic() + timeout_s, _FIRST_DELAY_S, 0
        while True:
            tries += 1
            try:
                return self._once(method, body, deadline)
            except CallError as error:
                again = error.code == "unavailable" or (error.reason == "CONTENTION" and tries < _CONTENTION_TRIES)
                pause = max(delay * random.uniform(0.5, 1.0), error.retry_after_s or 0.0)
                if not again or time.monotonic() + pause >= deadline:
                    if error.code == "unavailable":  # whoever waits for a server waits until the deadline
                        time.sleep(max(0.0, deadline - time.monotonic()))
                    raise
            time.sleep(pause)
            delay = min(_LONGEST_DELAY_S, delay * 2)

    def _once(self, method: str, body: Json, deadline: float) -> Json:
        """One attempt: at every address at most once, until one can be connected to."""
        failure: OSError | None = None
        for _ in self.addresses:
            connection = self._connection(max(0.001, deadline - time.monotonic()))
            try:
                connection.connect()
            except OSError as error:
                failure = error
                continue
            try:
                return self._exchange(connection, method, body, deadline)
            finally:
                connection.close()
        raise CallError("unavailable", f"no server answers at {', '.join(self.addresses)}: {failure}")

    def _connection(self, timeout_s: float | None) -> http.client.HTTPConnection:
        self._turn += 1
        address = self.addresses[self._turn % len(self.addresses)]
        if self.tls is not None:
            return http.client.HTTPSConnection(address, timeout=timeout_s, context=self.tls)
        return http.client.HTTPConnection(address, timeout=timeout_s)

    def _exchange(self, connection: http.client.HTTPConnection, method: str, body: Json, deadline: float) -> Json:
        left_s = max(0.001, deadline - time.monotonic())
        headers = {**self._headers("application/json"), "Connect-Timeout-Ms": str(max(1, int(left_s * 1000)))}
        try:
            connection.request("POST", f"/asktell.v1.{method}", json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError:
            raise CallError("deadline_exceeded", "the server did not answer in time") from None
        except (OSError, http.client.HTTPException) as error:
            raise CallError("unavailable", f"the connection broke: {error!r}") from None
        if answer.status != http.client.OK:
            raise _error(json.loads(content), answer.getheader("Asktell-Error-Reason", ""))
        decoded: Json = json.loads(content)
        return decoded

    def _headers(self, content_type: str) -> dict[str, str]:
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Content-Type": content_type, "Connect-Protocol-Version": "1", **authorization}

    def stream(self, method: str, body: Json) -> Iterator[Json]:
        """Messages of a server stream, until it breaks off or ends. Raises CallError."""
        payload = json.dumps(body).encode()
        connection = self._connection(None)
        try:
            connection.request(
                "POST",
                f"/asktell.v1.{method}",
                b"\0" + len(payload).to_bytes(4, "big") + payload,
                self._headers("application/connect+json"),
            )
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise _error(json.loads(answer.read()), answer.getheader("Asktell-Error-Reason", ""))
            while head := answer.read(5):
                message = json.loads(answer.read(int.from_bytes(head[1:], "big")))
                if head[0] & _LAST_OF_STREAM:
                    if "error" in message:
                        raise _error(message["error"], "")
                    return
                yield message
        except (OSError, http.client.HTTPException, ValueError) as error:  # ValueError: a message cut in the middle
            raise CallError("unavailable", f"the connection broke: {error!r}") from None
        finally:
            connection.close()


def _error(body: Json, reason: str) -> CallError:
    error = CallError(body.get("code", "unknown"), body.get("message", ""), reason=reason)
    for detail in body.get("details", ()):
        value = base64.b64decode(detail["value"] + "==")
        if detail["type"] == "google.rpc.ErrorInfo":
            info = error_details_pb2.ErrorInfo.FromString(value)
            error.reason, error.metadata = info.reason, dict(info.metadata)
        elif detail["type"] == "google.rpc.RetryInfo":
            delay = error_details_pb2.RetryInfo.FromString(value).retry_delay
            error.retry_after_s = delay.ToTimedelta().total_seconds()
    return error
