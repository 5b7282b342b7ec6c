"""Runs a program under what a unit of systemd leaves it: no new rights, no memory that is both written and run, and
only the system calls of its SystemCallFilter. On x86-64 Linux: `python -m tests.scripts.confined UNIT PROGRAM WORD ...`
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

NUMBERS = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 22, 38, 65
FILTER_MODE, REFUSE_EXEC_GAIN = 2, 1
ARCHITECTURE = 0xC000003E
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL, KILL = 0x7FFF0000, 0x00050000, 0x80000000


def why_not() -> str:
    """Why this cannot be done here; empty if it can."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        return "only x86-64 Linux is known"
    if not shutil.which("systemd-analyze"):
        return "systemd-analyze is not here to say which system calls its names stand for"
    return "" if NUMBERS.exists() else f"{NUMBERS} is not here to say which numbers system calls have"


def calls(name: str) -> set[str]:
    """The system calls that a name like @system-service stands for."""
    command = ["systemd-analyze", "syscall-filter", name]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    words = [line.strip() for line in shown.splitlines()[1:]]
    found = [calls(word) if word.startswith("@") else {word} for word in words if word and not word.startswith("#")]
    return set().union(*found)


def allowed_by(unit: str) -> list[int]:
    """The numbers of the system calls that the text of a unit allows."""
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = set().union(*map(calls, line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    numbers = dict(re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text(encoding="ascii")))
    return sorted(int(numbers[name]) for name in allowed | calls("@default") if name in numbers)


def confine(unit: str) -> None:
    """For good, for this process and all that it starts. Memory is not confined by kernels before 6.3."""
    steps = [(LOAD, 0, 0, 4), (JUMP_IF_EQUAL, 1, 0, ARCHITECTURE), (RETURN, 0, 0, KILL), (LOAD, 0, 0, 0)]
    for number in allowed_by(unit):
        steps += [(JUMP_IF_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    steps.append((RETURN, 0, 0, FAIL | errno.EPERM))
    packed = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(packed)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in (
        (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        (PR_SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0),
        (PR_SET_SECCOMP, FILTER_MODE, ctypes.addressof(program), 0, 0),
    ):
        if libc.prctl(*map(ctypes.c_ulong, arguments)) and arguments[0] != PR_SET_MDWE:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), f"prctl{arguments}")


if __name__ == "__main__":
    confine(Path(sys.argv[1]).read_text(encoding="utf-8"))
    os.execv(sys.argv[2], sys.argv[2:])
