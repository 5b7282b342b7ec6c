"""The rules of the house: what may import what, how large things may grow, and what everything must have."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "udpchat"

# --- What may import what --------------------------------------------------------------------------------------------

ROOMS = {  # each room, and the rooms that it may import; everyone may import udpchat itself, which is the version
    "wire": (),
    "session": ("wire",),
    "sync": ("wire", "session"),
    "chat": ("wire", "session", "sync"),
    "server": ("wire", "session", "sync", "chat"),
    "client": ("wire", "session", "sync", "chat"),
    "storage": ("wire", "session", "sync", "chat", "server", "client"),
    "shell": ("wire", "session", "sync", "chat", "server", "client", "storage"),
    "ui": ("wire", "chat", "client"),
    "parsers": ("wire", "session", "sync", "chat", "server", "client", "storage", "shell", "ui"),
    "doctor": ("wire", "session", "sync", "chat", "server", "client", "storage", "shell", "ui"),
    "operator_commands": (
        "wire",
        "session",
        "sync",
        "chat",
        "server",
        "client",
        "storage",
        "shell",
        "ui",
        "parsers",
        "doctor",
    ),
    "cli": (
        "wire",
        "session",
        "sync",
        "chat",
        "server",
        "client",
        "storage",
        "shell",
        "ui",
        "parsers",
        "streams",
        "operator_commands",
        "doctor",
    ),
    "streams": ("wire", "session", "sync", "chat", "server", "client", "storage", "shell", "ui"),
    "launch": ("shell", "cli"),
    "__main__": ("launch",),
    "__init__": (),
}
NARROW = {  # of that room, this module or room may import these names only
    ("shell/data_folder", "session"): {"KeyPair"},
    ("ui", "wire"): {"Value", "field"},  # what all values are made of: it sees nothing of the protocol
}

CORES = ("wire", "session", "sync", "chat", "server", "client")
PURE = {  # of the standard library, all that a core may import: no socket, clock, chance, thread, file, log
    "__future__", "abc", "array", "base64", "binascii", "bisect", "collections", "contextlib", "copy", "dataclasses",
    "difflib", "enum", "functools", "hashlib", "heapq", "hmac", "ipaddress", "itertools", "json", "math", "operator",
    "re", "shlex", "string", "struct", "textwrap", "types", "typing", "unicodedata", "weakref", "zlib",
}  # fmt: skip
OWNERS = {  # who may import what: others may not. The rest of the standard library is free outside the cores
    "msgspec": ("wire/content", "wire/fields", "wire/frames", "wire/requests"),
    "cryptography": ("session",),
    "platformdirs": ("shell", "cli"),
    "prometheus_client": ("shell/metrics",),
    "prompt_toolkit": ("shell/editor",),
    "textual": ("ui/tui", "shell/terminal_driver"),
    "rich": ("ui/tui",),
    "termios": ("shell/echo", "shell/full_screen"),
    "desktop_notifier": ("shell/desktop",),
    "segno": ("shell/invitation",),
    "zeroconf": ("shell/net/mdns",),
    "datetime": ("chat/times", "shell", "ui"),  # it can read a clock
    "ifaddr": ("shell/interfaces",),
    "sqlite3": ("storage",),
    "asyncio": ("shell",),
    "selectors": ("shell",),
    "socket": ("shell",),
    "time": ("shell", "storage/lock"),
    "random": ("shell",),
    "secrets": ("shell",),
    "uuid": (),
    "threading": ("storage", "shell"),
    "concurrent": ("storage", "shell"),
    "multiprocessing": (),
    "subprocess": ("shell",),
    "logging": ("storage", "shell", "cli"),
    "pathlib": ("storage", "shell", "cli", "operator_commands", "doctor"),
    "shutil": ("storage", "shell"),
    "tempfile": ("storage", "shell"),
    "glob": ("storage", "shell"),
    "pickle": (),
}
FILE_ROOMS = ("storage", "shell")
FROZEN_DATACLASSES = {  # in these modules; elsewhere a value is a `Value`, see there: a start makes a hundred classes
    "server/proposals",  # not all fields of an author are compared
    "ui/preferences", "ui/tui/keys", "ui/tui/rows", "ui/tui/window",
}  # fmt: skip
PROSE_WORDS_MAX = 2  # of a text in a core: more is a sentence, which belongs to ui/phrases
PROSE = {("chat/text", "up to the last ")}  # how long messages are kept: the log of the server, in shell, has it too
FILE_METHODS = {"read_text", "read_bytes", "write_text", "write_bytes", "mkdir", "unlink", "rmdir", "touch"}

# --- How large, and what everything must have ------------------------------------------------------------------------

FUNCTION_LINES_MAX = 50
CLASS_LINES_MAX = 250
CLASS_FIELDS_MAX = 12
FILE_LINES_MAX = 600
LINE_CHARACTERS_MAX = 120
UNDOCUMENTED_METHOD_LINES_MAX = 3
BANNED_WORDS = {"util", "utils", "common", "helper", "helpers", "manager", "base", "misc"}
TOP_LEVEL = {
    ".ci", ".gitignore", "LICENSE", "README.md", "pictures", "pyproject.toml", "scripts", "setup.cfg", "share", "tests",
    "udpchat",
}  # fmt: skip
HELP_S_MAX = 30
UNDERSCORED = {"_replace": "of every NamedTuple, and documented", "_exit": "of os, and documented"}  # and not private
REACHING = {"getattr", "setattr", "delattr", "hasattr", "patch", "object"}  # calls that take a name as a string

# ---------------------------------------------------------------------------------------------------------------------

MODULES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
SCRIPTS = sorted(path for path in (ROOT / "scripts").iterdir() if path.is_file() and not path.suffix)
SCRIPT_FILES = [*SCRIPTS, *sorted((ROOT / "scripts").glob("*.py"))]
EVERYTHING = [*MODULES, *TESTS, *SCRIPT_FILES]


def name_of(path: Path) -> str:
    """`wire/frames` for udpchat/wire/frames.py, `cli` for udpchat/cli.py."""
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def room_of(name: str) -> str:
    return name.split("/")[0]


def allowed_by(owners: tuple[str, ...], name: str) -> bool:
    return any(f"{name}/".startswith(f"{owner}/") for owner in owners)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def place(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT).as_posix()}:{getattr(node, 'lineno', 1)}"


def imports_of(path: Path) -> Iterator[tuple[ast.AST, str, str | None]]:
    """Every import of a file, in functions and for type checking too: where, dotted module, name taken from it."""
    folder = path.relative_to(ROOT).parent.parts
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            yield from ((node, module, alias.name) for alias in node.names)


def own_imports_of(path: Path) -> Iterator[tuple[ast.AST, str, str | None]]:
    """The imports of udpchat itself: where, the module as `wire/frames`, the name taken from it (None: the module)."""
    for node, module, name in imports_of(path):
        if module.split(".")[0] != "udpchat":
            continue
        inside = "/".join(module.split(".")[1:])
        deeper = f"{inside}/{name}".strip("/")
        if name and ((PACKAGE / deeper).is_dir() or (PACKAGE / f"{deeper}.py").is_file()):
            yield node, deeper, None
        else:
            yield node, inside, name


def foreign_imports_of(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """The imports from outside udpchat: where, and the top-level module."""
    for node, module, _ in imports_of(path):
        if module.split(".")[0] != "udpchat":
            yield node, module.split(".")[0]


def definitions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_a_room_imports_only_what_the_table_allows() -> None:
    faults = []
    for path in MODULES:
        room = room_of(name_of(path))
        for node, target, name in own_imports_of(path):
            other = room_of(target)
            if other not in ("", room, *ROOMS.get(room, ())):
                faults.append(f"{place(path, node)}: {room} may not import {other}")
            if name not in NARROW.get((name_of(path), other), NARROW.get((room, other), {name})):
                faults.append(f"{place(path, node)}: may not take {name} from {other}")
            if name == "*":
                faults.append(f"{place(path, node)}: must say which names it imports")
    assert not faults, "\n".join(faults)


def test_every_room_is_in_the_table() -> None:
    assert {room_of(name_of(path)) for path in MODULES} <= set(ROOMS)


def test_cores_import_only_what_is_pure_and_the_rest_has_owners() -> None:
    faults = []
    for path in MODULES:
        name = name_of(path)
        for node, module in foreign_imports_of(path):
            if module in OWNERS:
                allowed = allowed_by(OWNERS[module], name)
            else:
                allowed = module in (PURE if room_of(name) in CORES else sys.stdlib_module_names)
            if not allowed:
                faults.append(f"{place(path, node)}: {name} may not import {module}")
    assert not faults, "\n".join(faults)


def test_only_storage_and_shell_touch_files() -> None:
    faults = []
    for path in MODULES:
        calls = (node.func for node in ast.walk(tree_of(path)) if isinstance(node, ast.Call))
        for called in calls if room_of(name_of(path)) not in FILE_ROOMS else ():
            opens = isinstance(called, ast.Name) and called.id == "open"
            if opens or (isinstance(called, ast.Attribute) and called.attr in FILE_METHODS):
                faults.append(f"{place(path, called)}: touches a file")
    assert not faults, "\n".join(faults)


def test_values_are_not_frozen_dataclasses() -> None:
    found = set()
    for path in MODULES:
        classes = (node for node in ast.walk(tree_of(path)) if isinstance(node, ast.ClassDef))
        decorators = {ast.unparse(each) for node in classes for each in node.decorator_list}
        if any(each.startswith("dataclass") and "frozen=True" in each for each in decorators):
            found.add(name_of(path))
    assert found == FROZEN_DATACLASSES


def prose_of(tree: ast.Module) -> Iterator[ast.Constant]:
    """The texts of more than PROSE_WORDS_MAX words: no docstrings, messages of assertions, descriptions of states."""
    others: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            others.add(node.value)
        elif isinstance(node, ast.Assert) or ast.unparse(node).startswith("raise AssertionError"):
            others |= set(ast.walk(node))
        elif isinstance(node, ast.ClassDef) and any(ast.unparse(base).endswith("Enum") for base in node.bases):
            others |= {child.value for child in node.body if isinstance(child, ast.Assign)}
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))
    for node in texts:
        if node not in others and len(re.findall(r"\b[a-z]{2,}\b", str(node.value))) > PROSE_WORDS_MAX:
            yield node


def test_cores_hold_no_text_for_people() -> None:
    found = [(path, node) for path in MODULES if room_of(name_of(path)) in CORES for node in prose_of(tree_of(path))]
    assert [place(path, node) for path, node in found if (name_of(path), node.value) not in PROSE] == []
    assert {(name_of(path), node.value) for path, node in found} == PROSE


def test_modules_import_each_other_without_a_cycle() -> None:
    names = {name_of(path).removesuffix("/__init__"): path for path in MODULES}
    graph = {name: {target for _, target, _ in own_imports_of(path)} & set(names) for name, path in names.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " imports ".join([*trail[trail.index(name) :], name])
        if name not in done:
            for target in sorted(graph[name]):
                visit(target, (*trail, name))
            done.add(name)

    for name in sorted(graph):
        visit(name, ())


def test_functions_are_short() -> None:
    faults = []
    for path in EVERYTHING:
        for function in definitions_of(path):
            lines = (function.end_lineno or 0) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                faults.append(f"{place(path, function)}: {function.name} has {lines} lines")
    assert not faults, "\n".join(faults)


def fields_of(declaration: ast.ClassDef) -> set[str]:
    """The attributes of a class: those declared in its body, and those that its methods assign to `self`."""
    declared = {
        node.target.id
        for node in declaration.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    assigned = {
        node.attr
        for node in ast.walk(declaration)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    }
    return declared | assigned


def test_the_fields_of_a_class_are_counted() -> None:
    (declaration,) = ast.parse("class A:\n  x: int\n  def f(self):\n    self.y, self.z = 1, 2\n    self.z += 1").body
    assert isinstance(declaration, ast.ClassDef) and fields_of(declaration) == {"x", "y", "z"}


def test_classes_are_small() -> None:
    faults = []
    for path in MODULES:
        for declaration in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(declaration, ast.ClassDef):
                continue
            lines = (declaration.end_lineno or 0) - declaration.lineno + 1
            fields = len(fields_of(declaration))
            if lines > CLASS_LINES_MAX or fields > CLASS_FIELDS_MAX:
                faults.append(f"{place(path, declaration)}: {declaration.name} has {lines} lines and {fields} fields")
    assert not faults, "\n".join(faults)


def test_files_and_lines_are_short() -> None:
    faults = []
    for path in EVERYTHING:
        lines = path.read_text(encoding="utf-8").splitlines()
        where = path.relative_to(ROOT)
        if len(lines) > FILE_LINES_MAX:
            faults.append(f"{where}: {len(lines)} lines")
        long = [number for number, line in enumerate(lines, 1) if len(line) > LINE_CHARACTERS_MAX]
        faults.extend(f"{where}:{number}: longer than {LINE_CHARACTERS_MAX} characters" for number in long)
    assert not faults, "\n".join(faults)


def undocumented(node: ast.AST, owner: str = "") -> Iterator[tuple[ast.AST, str]]:
    """Public classes, functions and methods below a module or class that have no docstring; short methods need none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If | ast.Try):  # a definition for one platform
            yield from undocumented(child, owner)
        if not isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or child.name.startswith("_"):
            continue
        body_lines = (child.body[-1].end_lineno or 0) - child.body[0].lineno + 1
        is_method = bool(owner) and not isinstance(child, ast.ClassDef)
        if not ast.get_docstring(child) and not (is_method and body_lines <= UNDOCUMENTED_METHOD_LINES_MAX):
            yield child, f"{owner}{child.name}"
        if isinstance(child, ast.ClassDef):
            yield from undocumented(child, f"{owner}{child.name}.")


def test_everything_public_has_a_docstring() -> None:
    faults = []
    for path in [*MODULES, *SCRIPT_FILES]:
        if not ast.get_docstring(tree_of(path)):
            faults.append(f"{place(path, tree_of(path))}: the module has no docstring")
        faults.extend(f"{place(path, node)}: {name} has no docstring" for node, name in undocumented(tree_of(path)))
    assert not faults, "\n".join(faults)


def test_every_module_has_its_test() -> None:
    names = [path.relative_to(PACKAGE) for path in MODULES if not path.name.startswith("__")]
    missing = [f"tests/{(name.parent / f'test_{name.name}').as_posix()}" for name in names]
    missing = [test for test in missing if not (ROOT / test).is_file()]
    assert not missing, "\n".join(missing)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name not in UNDERSCORED


def own_names_of(tree: ast.AST) -> Iterator[str]:
    """The private names that the classes of a file define, declare or assign to `self`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield from fields_of(node)


def reaches_of(tree: ast.AST, own: set[str]) -> Iterator[tuple[ast.AST, str]]:
    """Where a file takes a private name of something else: where, and the name. Classes may use their `own` ones."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Attribute):
            is_own = ast.unparse(node.value) in ("self", "cls", "super()") and node.attr in own
            names = [] if is_own else [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in REACHING:
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            names = [part for text in texts for part in text.split(".")]
        yield from ((node, name) for name in names if is_private(name))


def test_a_reach_into_something_private_is_found() -> None:
    """Whatever way it is written; a class may have private names of its own, and a NamedTuple is replaced."""
    found = """
from udpchat.storage.memory import _Shelf
core._chat.nick
core._limit = 1
getattr(core, "_held")
monkeypatch.setattr(reach, "_connected", fail)
monkeypatch.setattr("udpchat.cli._guarded", idle)
class Late(Service):
    def __init__(self):
        self._own = self._log
        super()._open_log(self._own, address._replace(port=self.__dict__["port"]))
"""
    tree = ast.parse(found)
    names = [name for _, name in reaches_of(tree, set(own_names_of(tree)))]
    assert sorted(names) == ["_Shelf", "_chat", "_connected", "_guarded", "_held", "_limit", "_log", "_open_log"]


def test_no_test_or_script_reaches_into_something_private() -> None:
    """What only its own class or module knows may change with no test in the way: a test sees what a caller sees."""
    paths = [*TESTS, *SCRIPTS, *sorted((ROOT / "scripts").rglob("*.py"))]
    own = {name for path in paths for name in own_names_of(tree_of(path))}
    reaches = ((path, node, name) for path in paths for node, name in reaches_of(tree_of(path), own))
    faults = [f"{place(path, node)}: {name} is private" for path, node, name in reaches]
    assert not faults, "\n".join(faults)


def test_module_names_say_what_is_inside() -> None:
    words = {path: set(re.split(r"[_\W]+", path.relative_to(ROOT).as_posix().lower())) for path in EVERYTHING}
    faults = [f"{path.relative_to(ROOT)}" for path, found in words.items() if found & BANNED_WORDS]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_every_script_can_be_started_and_explains_itself(script: Path) -> None:
    if os.name != "nt":
        assert os.access(script, os.X_OK), f"chmod +x scripts/{script.name}"
    assert script.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")
    command = [sys.executable, str(script), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HELP_S_MAX, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.lower().startswith("usage: ")


def test_the_top_level_is_exactly_what_the_table_lists() -> None:
    git = shutil.which("git")
    if not git:
        pytest.skip("git is not here to say which files belong to the project")
    listed = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode or not listed.stdout:
        pytest.skip(f"git lists no files here: {listed.stderr.strip() or 'nothing is committed'}")
    assert {name.split("/")[0] for name in listed.stdout.rstrip("\0").split("\0")} == TOP_LEVEL


def test_pyproject_holds_the_build_system_and_nothing_else() -> None:
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))) == {"build-system"}
