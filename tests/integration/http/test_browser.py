"""A real browser on this machine: pages of the web, whatever their name resolves to, cannot use the server."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.browser import browse
from tests.support.http_json import STUDY, Http, http_address
from tests.support.server import ServerProcess

pytestmark = pytest.mark.xdist_group("browser")

EVIL = "evil.example"
"""Resolves to this machine, as far as the browser is concerned: what a name does that was rebound."""
FRIEND = "friend.example"

PAGE = """<!doctype html><title>page</title><pre id="said">nothing</pre><script>
(async () => {
  const sent = [];
  for (const type of ["text/plain", "application/json"]) {
    try {
      const answer = await fetch("TARGET/asktell.v1.StudyService/CreateStudy",
        {method: "POST", mode: type === "text/plain" ? "no-cors" : "cors", headers: {"content-type": type}, body: `BODY`});
      sent.push(`${type}: ${answer.type} ${answer.status}`);
    } catch (error) { sent.push(`${type}: ${error.name}`); }
  }
  document.getElementById("said").textContent = sent.join(", ");
})();
</script>"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server as a person starts it, with a name of its own."""
    arguments = ["--http", "127.0.0.1:0", "--http-host", FRIEND]
    with ServerProcess(tmp_path_factory.mktemp("browser"), arguments=arguments) as server:
        yield server


@pytest.fixture
def page_port(server: ServerProcess) -> Iterator[int]:
    """The port of a web server that has the attacker's page."""
    body = json.dumps({"studyId": "by-a-page", "study": STUDY})
    page = PAGE.replace("TARGET", f"http://{http_address(server)}").replace("BODY", body).encode()

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as pages:
        thread = threading.Thread(target=pages.serve_forever)
        thread.start()
        yield pages.server_port
        pages.shutdown()
        thread.join()


def test_a_rebound_name_gets_nothing(server: ServerProcess, tmp_path: Path) -> None:
    port = http_address(server).rpartition(":")[2]
    shown = browse(f"http://{EVIL}:{port}/healthz", tmp_path)
    assert f"--http-host {EVIL}" in shown
    assert "SERVING" not in shown


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", FRIEND])
def test_a_name_that_it_has_gets_an_answer(server: ServerProcess, tmp_path: Path, host: str) -> None:
    port = http_address(server).rpartition(":")[2]
    assert "SERVING" in browse(f"http://{host}:{port}/healthz", tmp_path)


def test_a_page_of_another_origin_changes_nothing(server: ServerProcess, page_port: int, tmp_path: Path) -> None:
    shown = browse(f"http://{EVIL}:{page_port}/", tmp_path)
    said = re.findall(r'<pre id="said">(.*?)</pre>', shown)
    assert said == ["text/plain: opaque 0, application/json: TypeError"], shown
    client = Http(http_address(server))
    status, _, _ = client.call("StudyService/GetStudy", {"name": "by-a-page"})
    client.close()
    assert status == 404
