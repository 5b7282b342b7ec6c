"""The data folder: the keys of this machine's server and nicks, and the known servers, as in SSH.

A key is 32 secret bytes in hexadecimal, in a file that only its owner may read. `known_servers` has a line
`HOST:PORT FINGERPRINT` for each server, and behind it what it calls itself; people may edit it.
"""

from __future__ import annotations

import os
import re
import secrets
from base64 import b32decode, b32encode
from contextlib import suppress
from hashlib import blake2s
from pathlib import Path
from typing import Final

from udpchat.chat.names import nick_key, parse_nick, skeleton
from udpchat.chat.phrase import Problem
from udpchat.chat.text import printable
from udpchat.session.noise import KeyPair
from udpchat.shell.addresses import BadAddress, ServerAddress, parse_server
from udpchat.storage.backup import name_aside
from udpchat.wire.fields import Value
from udpchat.wire.limits import KEY_BYTES

SERVER_KEY: Final = "server.key"
OPERATOR_KEY: Final = "operator.key"
ERASED_FILE: Final = "erased"  # for whom that is done (see `erasing`); of the log that lies here
KNOWN_SERVERS: Final = "known_servers"
LAST_SERVER: Final = "last_server"
LAST_NICK: Final = "last_nick"
KNOWN_BYTES_MAX: Final = 1024 * 1024
_PLAIN: Final = re.compile(r"[a-z0-9._-]{1,64}")


class DataUnusable(Problem):
    """The data folder or a file in it cannot be used."""


def open_folder(folder: Path) -> Path:
    """Make the folder if it is missing, readable for its owner only. Raises `DataUnusable`."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe-{secrets.token_hex(8)}"
        probe.touch(mode=0o600)
        probe.unlink()
    except OSError as error:
        raise DataUnusable("data_unusable.folder", path=folder, reason=error.strerror or error) from error
    return folder


def file_name(name: str) -> str:
    """A file name for a name that an outsider chose: the name itself if it is harmless, else an encoding of it."""
    if _PLAIN.fullmatch(name):
        return name
    code = b32encode(name.encode("utf-8", "surrogatepass")).decode().lower().rstrip("=")
    return f"~{code}" if len(code) <= 205 else f"~~{blake2s(name.encode('utf-8', 'surrogatepass')).hexdigest()}"


def name_of_file(stem: str) -> str:
    """The name that `file_name` was given; the file name itself where only a digest is left of a long name."""
    if not stem.startswith("~") or stem.startswith("~~"):
        return stem
    try:
        return b32decode(stem[1:].upper() + "=" * (-len(stem[1:]) % 8)).decode("utf-8", "replace")
    except ValueError:
        return stem


def nick_file(nick: str) -> str:
    """The file name of a nick, the same for all spellings; the prefix avoids the device names of Windows."""
    return f"nick-{file_name(nick_key(nick))}"


# --- Keys ----------


def server_key(folder: Path) -> KeyPair:
    """The key of the server of this folder, made at first use. Raises `DataUnusable`."""
    return KeyPair(_load_or_make(folder / SERVER_KEY))


def operator_key(folder: Path) -> KeyPair:
    """The key of the operator of the server of this folder, made at first use. Raises `DataUnusable`."""
    return KeyPair(_load_or_make(folder / OPERATOR_KEY))


def stored_server_key(folder: Path) -> bytes | None:
    """The secret key of the server of this folder, 32 bytes, if it has one. Raises `DataUnusable`."""
    path = folder / SERVER_KEY
    return _load(path) if path.exists() else None


def put_server_key(folder: Path, secret: bytes) -> Path | None:
    """Make this the key of the server of this folder; returns where the key before is kept, if there was another.

    At every moment there is the one or the other. Raises `DataUnusable`.
    """
    path = folder / SERVER_KEY
    if not path.exists():
        _make(path, secret)
    former = _load(path)
    if former == secret:
        return None
    kept = name_aside(path)
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        _write(kept, former.hex() + "\n")
        _write(draft, secret.hex() + "\n")
        draft.replace(path)
    except OSError as error:
        raise DataUnusable("data_unusable.write", path=path, reason=error.strerror) from error
    finally:
        draft.unlink(missing_ok=True)
    return kept


def key_of_nick(folder: Path, nick: str) -> KeyPair:
    """The key of a nick, made at first use. Raises `DataUnusable`."""
    return KeyPair(_load_or_make(nick_key_path(folder, nick)))


def keep_key(folder: Path, *, old: str, new: str) -> bool:
    """Who was `old` goes by `new` now: the key of `old` serves for it too, unless `new` has one. Whether it was kept.

    Raises `DataUnusable`.
    """
    target = nick_key_path(folder, new)
    if target.exists():
        return False
    secret = _load_or_make(nick_key_path(folder, old))
    return _make(target, secret) == secret


def nick_key_path(folder: Path, nick: str) -> Path:
    """Where the key of a nick lies."""
    return folder / "keys" / f"{nick_file(nick)}.key"


def _load_or_make(path: Path) -> bytes:
    return _load(path) if path.exists() else _make(path, secrets.token_bytes(KEY_BYTES))


def _load(path: Path) -> bytes:
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        secret = b""
    except OSError as error:
        raise DataUnusable("data_unusable.read", path=path, reason=error.strerror) from error
    if len(secret) != KEY_BYTES:
        raise DataUnusable("data_unusable.no_key", path=path)
    return secret


def _make(path: Path, secret: bytes) -> bytes:
    """Write a new key file; the secret that it holds then, which another process may have written first."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _write(draft, secret.hex() + "\n")
            try:
                os.link(draft, path)  # atomic, and it never replaces another file
            except FileExistsError:
                return _load(path)
            except OSError:  # a file system without links
                draft.rename(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise DataUnusable("data_unusable.new_key", path=path, reason=error.strerror) from error
    return secret


def _write(path: Path, text: str) -> None:
    """Write a new file, readable for its owner only; it is on the disk on return."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def put_file(path: Path, text: str) -> None:
    """Put a text in the place of a file, readable for its owner only: at every moment one of the two is there whole.

    Raises OSError.
    """
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        _write(draft, text)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


# --- Servers ----------


class KnownServer(Value, frozen=True):
    """A server met before: its `HOST:PORT`, its fingerprint, and what it called itself, if anything."""

    place: str
    fingerprint: str
    name: str = ""


class KnownServers:
    """The servers met before."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / KNOWN_SERVERS

    def fingerprint(self, server: str) -> str | None:
        """That of the server at this `HOST:PORT`; the first line counts. Raises `DataUnusable`."""
        return next((known.fingerprint for known in self.all() if known.place == server), None)

    def all(self) -> list[KnownServer]:
        """All of them, in the order of the lines. Raises `DataUnusable`."""
        words = [line.split(maxsplit=2) for line in self._lines()]
        return [KnownServer(*each) for each in words if len(each) > 1 and not each[0].startswith("#")]

    def named_like(self, name: str, fingerprint: str) -> KnownServer | None:
        """A server that has this name, or one that looks like it, and another key, if the one with this fingerprint is
        not known. Raises `DataUnusable`.
        """
        known, look = self.all(), skeleton(name)
        if not look or any(each.fingerprint == fingerprint for each in known):
            return None
        return next((each for each in known if skeleton(each.name) == look), None)

    def _lines(self) -> list[str]:
        try:
            with self.path.open("rb") as file:
                return file.read(KNOWN_BYTES_MAX).decode("utf-8", "replace").splitlines()
        except FileNotFoundError:
            return []
        except OSError as error:  # to go on without it would approve any key
            raise DataUnusable("data_unusable.read", path=self.path, reason=error.strerror) from error

    def pin(self, server: str, fingerprint: str, name: str = "") -> None:
        """Remember a server, in the place of what was known of this `HOST:PORT`. Raises `DataUnusable`."""
        line = " ".join([server, fingerprint, *printable(name).split()])
        lines = self._lines()
        places = [at for at, each in enumerate(lines) if each.split()[:1] == [server]]
        if places and lines[places[0]] == line:
            return
        try:
            if places:
                lines[places[0]] = line
                put_file(self.path, "".join(f"{each}\n" for each in lines))
            else:
                self._append(line)
        except OSError as error:
            raise DataUnusable("data_unusable.write", path=self.path, reason=error.strerror) from error

    def _append(self, line: str) -> None:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - 1, 0))
            separator = b"\n" if file.read(1) not in (b"", b"\n") else b""  # a person may have left it so
            file.write(separator + f"{line}\n".encode())


def last_server(folder: Path) -> ServerAddress | None:
    """The server that `remember_server` stored last; None also where the file holds no address."""
    try:
        return parse_server((folder / LAST_SERVER).read_text(encoding="utf-8"))
    except (OSError, ValueError, BadAddress):
        return None


def remember_server(folder: Path, server: str) -> None:
    """Store the server used last; failures are ignored."""
    _remember(folder / LAST_SERVER, server)


def last_nick(folder: Path) -> str:
    """The nick that `remember_nick` stored last; empty also where the file holds none."""
    try:
        return parse_nick((folder / LAST_NICK).read_text(encoding="utf-8").strip())
    except (OSError, ValueError, Problem):
        return ""


def remember_nick(folder: Path, nick: str) -> None:
    """Store the nick that a person at a terminal used last, or none; failures are ignored."""
    _remember(folder / LAST_NICK, nick)


def _remember(path: Path, text: str) -> None:
    with suppress(OSError, ValueError):
        if path.read_text(encoding="utf-8") == f"{text}\n":
            return  # to write it again would have the screen wait for the disk
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    with suppress(OSError):
        _write(draft, text + "\n")
        draft.replace(path)
    with suppress(OSError):
        draft.unlink(missing_ok=True)
