"""docker-compose.yml, as far as it can be checked without an engine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from asktell_server.cli import serve
from tests.integration.deployment.balancer import ROOT, variables
from tests.toolchains import require_docker_compose

TOKEN = "a-token-for-the-test"


def config(directory: Path, token: str | None) -> subprocess.CompletedProcess[str]:
    """What docker compose makes of the file; of a person's own .env it sees nothing."""
    (directory / "empty.env").touch()
    environment = {name: value for name, value in os.environ.items() if name != "ASKTELL_TOKEN"}
    if token is not None:
        environment["ASKTELL_TOKEN"] = token
    command = [
        *require_docker_compose(),
        "--file",
        "docker-compose.yml",
        "--env-file",
        str(directory / "empty.env"),
        "config",
    ]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The services as docker compose understands them."""
    checked = config(tmp_path_factory.mktemp("compose"), TOKEN)
    assert checked.returncode == 0, checked.stderr
    found: dict[str, Any] = yaml.safe_load(checked.stdout)["services"]
    return found


def test_the_file_is_valid_and_holds_the_topology(services: dict[str, Any]) -> None:
    assert services.keys() == {"store", "server", "balancer"}
    assert services["server"]["deploy"]["replicas"] == 2
    assert services["server"]["depends_on"] == {"store": {"condition": "service_healthy"}}
    assert services["balancer"]["depends_on"] == {"server": {"condition": "service_healthy"}}


def test_without_a_token_it_says_what_to_do(tmp_path: Path) -> None:
    refused = config(tmp_path, None)
    assert refused.returncode != 0
    assert "ASKTELL_TOKEN" in refused.stderr
    assert ".env" in refused.stderr


def test_the_token_is_only_in_the_environment_of_the_servers(services: dict[str, Any]) -> None:
    assert services["server"]["environment"].pop("ASKTELL_TOKEN") == TOKEN
    assert TOKEN not in yaml.safe_dump(services)


def test_only_the_balancer_is_published_and_only_on_this_machine(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if service.get("ports")] == ["balancer"]
    (port,) = services["balancer"]["ports"]
    # Compose 1 prints the short form, Compose 2 the long one.
    assert (port if isinstance(port, str) else f"{port['host_ip']}:{port['published']}").startswith("127.0.0.1:50051")
    assert list(services["store"]["networks"]) == ["store"]


def test_the_server_takes_its_command_line(services: dict[str, Any]) -> None:
    command = services["server"]["command"]
    assert command[0] == "serve"
    parsed = serve.make_context("serve", command[1:]).params
    assert parsed["store_url"] == "redis://store:6379/0"
    assert parsed["listen"] == "0.0.0.0:50051"
    assert parsed["insecure"], "it has no TLS, and starts all the same"


def test_the_balancer_gets_a_value_for_every_variable_of_its_template(services: dict[str, Any]) -> None:
    given = {name for name in services["balancer"]["environment"] if name.startswith("BALANCER_")}
    assert given == variables()
    assert any(
        volume_source(volume) == str(ROOT / "deploy/nginx.conf.template") for volume in services["balancer"]["volumes"]
    )


def volume_source(volume: str | dict[str, Any]) -> str:
    """Where a volume comes from, in the words of Compose 1 or 2."""
    return volume.split(":")[0] if isinstance(volume, str) else str(volume["source"])


def test_a_container_has_more_time_to_stop_than_the_server_takes_to_drain(services: dict[str, Any]) -> None:
    drain_s = serve.make_context("serve", []).params["drain_timeout_s"]
    assert services["server"]["stop_grace_period"] == "45s"
    assert drain_s + 20 <= 45
