"""Loads a script, which has no extension, as a module."""

from __future__ import annotations

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def load(name: str) -> ModuleType:
    """The script as a module, the same each time; its `main` does not run."""
    if str(SCRIPTS) not in sys.path:
        sys.path.append(str(SCRIPTS))  # scripts import `environment` from beside them
    unique = f"script_{name.removesuffix('.py')}"  # `test` and `chat` name other things as well
    if unique in sys.modules:
        return sys.modules[unique]
    spec = spec_from_loader(unique, SourceFileLoader(unique, str(SCRIPTS / name)))
    assert spec and spec.loader
    module = module_from_spec(spec)
    sys.modules[unique] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module
