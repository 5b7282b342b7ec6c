"""What a server says once it serves."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from udpchat.shell.net.endpoint import UdpEndpoint, open_socket
from udpchat.shell.operating.address_file import read_address
from udpchat.shell.options import server_options
from udpchat.shell.ready import say_ready

FINGERPRINT = "uxqrbmt4tv4bgfyv5rster7dgusudbkr"


def test_it_says_where_it_serves_to_all_who_want_to_know(
    loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "udpchat")
    endpoint = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    place = f"127.0.0.1:{endpoint.address.port}"
    say_ready(server_options({"bind": "127.0.0.1", "data": str(tmp_path)}, {}), endpoint, FINGERPRINT)
    endpoint.close()
    assert capsys.readouterr().out == f"ready udpchat://{place}#{FINGERPRINT}\n"
    assert [record.getMessage() for record in caplog.records] == [
        f"serving on {place}, data in {tmp_path}; only this machine reaches it"
    ]
    found = read_address(tmp_path)
    assert found is not None and (found.name, found.fingerprint) == (place, FINGERPRINT)


def test_a_folder_that_cannot_be_written_is_a_warning_and_no_end(
    loop: asyncio.AbstractEventLoop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = UdpEndpoint(loop, open_socket("127.0.0.1", 0))
    options = server_options({"bind": "127.0.0.1", "data": str(tmp_path / "nowhere")}, {})
    say_ready(options, endpoint, FINGERPRINT)
    endpoint.close()
    (warning,) = (record.getMessage() for record in caplog.records if record.levelname == "WARNING")
    assert warning.startswith("the commands of the operator do not reach this server: ")
