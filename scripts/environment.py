"""The virtual environment of the scripts: `.venv` in the checkout, made at first use, kept while setup.cfg stays.

Needs the standard library only. A script calls `enter()` before it imports anything that is to be installed.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".venv"
PYTHON = FOLDER / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
READY = FOLDER / "udpchat-ready"  # one line for each extra that is installed
OLDEST = (3, 11)
NEWEST_MINOR_TRIED = 20
REQUIREMENTS = ("msgspec", "cryptography", "platformdirs", "prompt_toolkit", "ifaddr")


def enter() -> None:
    """Return once this script runs where udpchat and its requirements can be imported: re-executes it if need be.

    A virtual environment that the caller has activated and that has the requirements is used as it is.
    """
    sys.path.insert(1, str(ROOT))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    activated = sys.prefix != sys.base_prefix and not _inside()
    if activated and sys.version_info >= OLDEST and all(map(importlib.util.find_spec, REQUIREMENTS)):
        return
    python = prepare()
    if not _inside():
        execute([str(python), *sys.argv])


def prepare(extra: str = "") -> Path:
    """The environment's Python, with udpchat installed from this checkout and the named extra; exits when it cannot."""
    _demand_version()
    with _lock():
        if not (_read(READY) and _starts()):
            say(f"making the virtual environment {FOLDER}")
            READY.unlink(missing_ok=True)
            _run([sys.executable, "-m", "venv", "--clear", str(FOLDER)])
        current = _fingerprint()
        ready = [line for line in _read(READY).splitlines() if line.startswith(current)]
        wanted = f"{current} {extra}"
        if wanted not in ready:
            say("installing what setup.cfg asks for" + (f", with [{extra}]" if extra else ""))
            target = f"{ROOT}[{extra}]" if extra else str(ROOT)
            _run([str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check", "-e", target])
            READY.write_text("\n".join([*ready, f"{current} ", wanted]), encoding="utf-8")
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


def _run(command: list[str]) -> None:
    """Run to the end, or exit with the last lines that the command said."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        print("\n".join(done.stdout.splitlines()[-20:]), file=sys.stderr)
        fail(f"set-up failed: {' '.join(command)}")


def _read(path: Path) -> str:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8")
    return ""


@contextlib.contextmanager
def _lock() -> Iterator[None]:
    """One set-up at a time: two people may start `scripts/chat` on one machine together."""
    with open(ROOT / ".venv.lock", "a+b") as file:
        _lock_file(file)
        yield


def _lock_file(file: IO[bytes]) -> None:
    """Wait until this file is ours; the system lets go of it when the process ends, however it ends."""
    if sys.platform == "win32":
        import msvcrt

        while True:
            with contextlib.suppress(OSError):  # LK_LOCK gives up after ten seconds
                file.seek(0)
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
                return
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
