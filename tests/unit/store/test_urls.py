"""Store URLs."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from asktell_server.store.urls import StoreUrl, Topology, parse_store_url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://db", StoreUrl(topology=Topology.SINGLE, hosts=(("db", 6379),))),
        ("valkey://db:7000/3", StoreUrl(topology=Topology.SINGLE, hosts=(("db", 7000),), database=3)),
        (
            "rediss://db?tls_ca=/ca.pem",
            StoreUrl(topology=Topology.SINGLE, hosts=(("db", 6379),), tls=True, tls_ca="/ca.pem"),
        ),
        ("valkeys://[::1]:1", StoreUrl(topology=Topology.SINGLE, hosts=(("::1", 1),), tls=True)),
        ("redis://[::1]", StoreUrl(topology=Topology.SINGLE, hosts=(("::1", 6379),))),
        ("unix:///run/a%20b.sock?db=1", StoreUrl(topology=Topology.UNIX, path="/run/a b.sock", database=1)),
        (
            "sentinel://a,b:1/main/2?sentinel_password=s&tls=true",
            StoreUrl(
                topology=Topology.SENTINEL,
                hosts=(("a", 26379), ("b", 1)),
                service="main",
                database=2,
                sentinel_password="s",
                tls=True,
            ),
        ),
        ("cluster://a,b:1", StoreUrl(topology=Topology.CLUSTER, hosts=(("a", 6379), ("b", 1)))),
    ],
)
def test_parsed(url: str, expected: StoreUrl) -> None:
    assert parse_store_url(url) == expected


@pytest.mark.parametrize("secret", ["p", "p@:/?#ü%"])
def test_credentials(secret: str) -> None:
    parsed = parse_store_url(f"redis://user:{quote(secret, safe='')}@db", password="other")
    assert (parsed.username, parsed.password) == ("user", secret)
    assert parse_store_url(f"redis://:{quote(secret, safe='')}@db").password == secret
    assert parse_store_url("redis://db", password="other").password == "other"
    assert parse_store_url("redis://user@db", password="other").username == "user"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://u:geheim@db/1", "redis://db:6379"),
        ("rediss://:geheim@[::1]", "rediss://[::1]:6379"),
        ("sentinel://:geheim@a,b/main?sentinel_password=geheim", "sentinel://a:26379,b:26379/main"),
        ("cluster://:geheim@a", "cluster://a:6379"),
        ("unix:///run/a%20b.sock", "unix:///run/a%20b.sock"),
    ],
)
def test_printed_without_secrets(url: str, shown: str) -> None:
    parsed = parse_store_url(url, password="geheim")
    assert str(parsed) == shown
    assert "geheim" not in repr(parsed)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "scheme must be one of"),
        ("db:6379", "scheme must be one of"),
        ("http://:geheim@db", "scheme must be one of redis, valkey, rediss"),
        ("redis://", "host or host:port"),
        ("redis://:geheim@", "host or host:port"),
        ("redis://db:port", "host or host:port"),
        ("redis://db:0", "host or host:port"),
        ("redis://db:65536", "host or host:port"),
        ("redis://:geheim@a,b", "takes one host"),
        ("redis://db/one", "database must be a number"),
        ("redis://db/1/2", "nothing may follow"),
        ("redis://:geheim@db?passwort=geheim", "unknown option 'passwort'"),
        ("unix://", "path of a socket"),
        ("sentinel://a,b", "needs the service's name"),
        ("cluster://a/1", "0 on a cluster"),
        ("cluster://a,,b", "host or host:port"),
    ],
)
def test_refused_without_repeating_secrets(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        parse_store_url(url)
    assert "geheim" not in str(caught.value)
