"""A stand-in for `systemctl` that starts, reloads and stops a service by its unit file, as systemd does.

`python -m tests.systemctl start|reload|stop|enable NAME` waits until the service says that it is ready. MACHINE in the
environment is the folder below which /etc and the programs of units are; what the service prints goes to its file
`log`.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

LIMIT_S = 30.0


def wait_ready(listening: socket.socket) -> None:
    """Return once the service has said so; OSError if it does not in time."""
    listening.settimeout(LIMIT_S)
    while "READY=1" not in listening.recv(4_096).decode().split("\n"):
        pass


def start(unit: str, machine: Path, environment: dict[str, str]) -> int:
    """The number of the process that the unit names, once it is ready."""
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    (state,) = re.findall(r"^StateDirectory=(.*)$", unit, re.MULTILINE)
    (machine / "var/lib" / state).mkdir(mode=0o700, parents=True, exist_ok=True)
    words = [re.sub(r"^/(?=opt/|etc/|var/)", f"{machine}/", word) for word in shlex.split(command)]
    with (machine / "log").open("a") as log:
        process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, start_new_session=True)
    return process.pid


def is_running(number: int) -> bool:
    """Whether it has not ended, nor is a zombie of init."""
    try:
        return ") Z " not in Path(f"/proc/{number}/stat").read_text()
    except OSError:
        return False


def main(verb: str, name: str) -> None:
    """Carry out one command."""
    machine = Path(os.environ["MACHINE"])
    unit = (machine / f"etc/systemd/system/{name}.service").read_text(encoding="utf-8")
    notify, number = machine / "notify", machine / "number"
    if verb == "enable":
        assert "[Install]\nWantedBy=" in unit
    elif verb == "stop":
        running = int(number.read_text())
        os.kill(running, signal.SIGTERM)
        end = time.monotonic() + LIMIT_S
        while is_running(running):
            assert time.monotonic() < end, "it goes on"
            time.sleep(0.02)  # between looks, within a bound
    else:
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(str(notify))
            if verb == "start":
                number.write_text(str(start(unit, machine, {**os.environ, "NOTIFY_SOCKET": str(notify)})))
            else:
                assert "\nExecReload=kill -HUP $MAINPID\n" in unit
                os.kill(int(number.read_text()), signal.SIGHUP)
            wait_ready(listening)


if __name__ == "__main__":
    main(*sys.argv[1:])
