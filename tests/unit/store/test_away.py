"""A store that is away is named by its address, to callers and in the log, and its password never is."""

from __future__ import annotations

import pytest

from asktell_server.domain.errors import Unavailable
from asktell_server.store.connect import connect
from tests.support.ports import free_port


@pytest.mark.parametrize("scheme", ["redis", "cluster", "sentinel"])
async def test_it_is_named(scheme: str, caplog: pytest.LogCaptureFixture) -> None:
    address = f"127.0.0.1:{free_port()}{'/main' if scheme == 'sentinel' else ''}"
    with pytest.raises(Unavailable) as caught:
        await connect(f"{scheme}://user:passw0rd@{address}")
    assert str(caught.value) == f"the store {scheme}://{address} is not available; try again"
    assert f"store {scheme}://{address} unavailable in check: " in caplog.text
    assert "passw0rd" not in caplog.text + str(caught.value)
    assert "redis.asyncio" not in caplog.text, "the driver's insides"
