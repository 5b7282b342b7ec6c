"""The virtual environment of the scripts: `.venv` in the checkout, made at first use, kept while setup.cfg stays.

Needs the standard library only. A script calls `enter()` before it imports anything that is to be installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
READY = FOLDER / "udpchat-ready"  # one line for each extra that is installed
OLDEST = (3, 11)
NEWEST_MINOR_TRIED = 20
REPORTED_EVERY_S = 5.0  # that a step of the set-up goes on
LOCK_POLL_S = 0.1
WAITING_REPORTED_S = 1.0  # for another set-up: to look whether there is something to do takes less
FAILURE_LINES_MAX = 20
EXIT_INTERRUPTED = 130
NO_NETWORK = re.compile(  # what pip writes when it cannot reach its index
    r"NewConnectionError|NameResolutionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|Max retries exceeded"
    r"|name resolution|getaddrinfo failed|Network is unreachable|No route to host|\(from versions: none\)"
)
REQUIREMENTS = ("msgspec", "cryptography", "platformdirs", "prompt_toolkit", "ifaddr", "textual", "segno")


def enter() -> None:
    """Return once this script runs where udpchat and its requirements can be imported: re-executes it if need be.

    A virtual environment that the caller has activated and that has the requirements is used as it is.
    """
    sys.path.insert(1, str(ROOT))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    if _is_activated():
        return
    python = prepare()
    if not _inside():
        execute([str(python), *sys.argv])


def is_set_up() -> bool:
    """Whether `enter` has nothing to make or to install, as far as that can be seen at once."""
    return _is_activated() or any(line.startswith(_fingerprint()) for line in _read(READY).splitlines())


def _is_activated() -> bool:
    """Whether the caller has a virtual environment of their own that has what is required."""
    is_theirs = sys.prefix != sys.base_prefix and not _inside()
    return is_theirs and sys.version_info >= OLDEST and all(map(importlib.util.find_spec, REQUIREMENTS))


def prepare(extra: str = "") -> Path:
    """The environment's Python, with udpchat installed from this checkout and the named extra; exits when it cannot."""
    _demand_version()
    began = time.monotonic()
    with _lock():
        if not (_read(READY) and _starts()):
            say(f"setting up, this first time only, in {FOLDER}: 20 s or so")
            READY.unlink(missing_ok=True)
            _run("step 1 of 2, making a virtual environment", [sys.executable, "-m", "venv", "--clear", str(FOLDER)])
        current = _fingerprint()
        ready = [line for line in _read(READY).splitlines() if line.startswith(current)]
        wanted = f"{current} {extra}"
        if wanted not in ready:
            target = f"{ROOT}[{extra}]" if extra else str(ROOT)
            wanted_here = ", ".join(REQUIREMENTS) + (f", and [{extra}] of setup.cfg" if extra else "")
            install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-e", target]
            _run(f"step 2 of 2, installing {wanted_here}", [str(PYTHON), *install])
            READY.write_text("\n".join([*ready, f"{current} ", wanted]), encoding="utf-8")
            say(f"set up after {time.monotonic() - began:.0f} s")
    return PYTHON


def execute(command: list[str]) -> NoReturn:
    """Become this command. Where a process cannot (Windows), run it to its end and exit with its code."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], command)
    process = subprocess.Popen(command)
    while True:  # Ctrl+C reaches the child as well, and how it ends is for the child to say
        with contextlib.suppress(KeyboardInterrupt):
            sys.exit(process.wait())


def say(text: str) -> None:
    """One line for the person, on stderr, named after the running script."""
    print(f"{Path(sys.argv[0]).name}: {text}", file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    """Say why, and exit with 1."""
    say(text)
    sys.exit(1)


def run(main: Callable[[], object]) -> NoReturn:
    """Run a script's `main` and exit with its code; Ctrl+C ends it without a traceback."""
    try:
        code = main()
    except KeyboardInterrupt:
        say("interrupted")
        code = EXIT_INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


def _demand_version() -> None:
    """Go on in a newer Python of this machine when this one is too old (macOS's own is 3.9), or say what is missing."""
    if sys.version_info >= OLDEST:
        return
    for minor in range(NEWEST_MINOR_TRIED, OLDEST[1] - 1, -1):
        newer = shutil.which(f"python3.{minor}")
        if newer:
            execute([newer, *sys.argv])
    found = ".".join(map(str, sys.version_info[:3]))
    fail(f"needs Python {OLDEST[0]}.{OLDEST[1]} or later, and this is {found}: see https://www.python.org/downloads/")


def _fingerprint() -> str:
    """What an installation depends on: the metadata, and where the checkout lies."""
    digest = hashlib.sha256(str(ROOT).encode())
    for name in ("setup.cfg", "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def _inside() -> bool:
    return Path(sys.prefix).resolve() == FOLDER.resolve()


def _starts() -> bool:
    """Whether the environment's Python still runs: an upgrade of the system may have taken it away."""
    probe = [str(PYTHON), "-c", "import msgspec, pip"]
    return _inside() or (
        PYTHON.exists() and subprocess.run(probe, capture_output=True, check=False, cwd=FOLDER).returncode == 0
    )


def _run(step: str, command: list[str]) -> None:
    """Run to the end and report that it goes on; or exit with what the command said last."""
    say(f"{step} ...")
    began = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        while True:
            try:
                said = process.communicate(timeout=REPORTED_EVERY_S)[0]
                break
            except subprocess.TimeoutExpired:
                say(f"{step}: {time.monotonic() - began:.0f} s so far ...")
            except BaseException:  # Ctrl+C: nothing goes on behind the person's back
                process.kill()
                raise
    if process.returncode:
        lines = [line for line in said.splitlines() if line.strip()] or [f"it ended with {process.returncode}"]
        if NO_NETWORK.search(said):
            errors = [line for line in lines if "ERROR:" in line]
            fail(f"this needs a network once, to get what it needs:\n{(errors or lines)[-1].strip()}")
        print("\n".join(lines[-FAILURE_LINES_MAX:]), file=sys.stderr)
        fail(f"set-up failed: {' '.join(command)}")


def _read(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    return ""


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One set-up at a time: two people may start `scripts/chat` on one machine together."""
    with open(ROOT / ".venv.lock", "a+b") as file:
        report_at = time.monotonic() + WAITING_REPORTED_S
        while not _lock_file(file):
            if time.monotonic() >= report_at:
                say("another set-up of this checkout is under way: waiting for it ...")
                report_at = float("inf")
            time.sleep(LOCK_POLL_S)
        yield


def _lock_file(file: IO[bytes]) -> bool:
    """Whether this file is ours now; the system lets go of it when the process ends, however it ends."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
