"""How the package is built, as far as a test can see it: size, documentation, and what importing it costs."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import subprocess
import sys
import typing
from pathlib import Path
from types import UnionType
from typing import Any

import msgspec
import pytest

from batchware import BatchConfig, BatchOptions

ROOT = Path(__file__).parents[1]
PACKAGE = sorted((ROOT / "batchware").rglob("*.py"))
MODULES = sorted(path for folder in ("batchware", "examples", "tests") for path in (ROOT / folder).rglob("*.py"))
LONGEST = 300

PUBLIC_MODULES = ("batchware", "batchware.asgi", "batchware.wsgi")
PUBLIC = [(module, name) for module in PUBLIC_MODULES for name in importlib.import_module(module).__all__]

# What a host may or may not have; none of it is loaded before a door is.
HEAVY = {
    "asgiref",
    "asyncio",
    "bottle",
    "concurrent",
    "django",
    "falcon",
    "fastapi",
    "flask",
    "litestar",
    "pydantic",
    "pyramid",
    "quart",
    "redis",
    "starlette",
    "werkzeug",
}


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [pytest.param(path, id=_name(path)) for path in MODULES])
def test_no_module_is_longer_than_one_can_read(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= LONGEST


@pytest.mark.parametrize("path", [pytest.param(path, id=_name(path)) for path in PACKAGE])
def test_every_module_says_what_it_decides(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text()))


def _documented_names(path: Path) -> set[str]:
    """Constants and fields with a docstring below their assignment, as `NAME` or `Class.name`."""
    found: set[str] = set()

    def look(body: list[ast.stmt], prefix: str) -> None:
        for statement, following in zip(body, [*body[1:], ast.Pass()], strict=True):
            if isinstance(statement, ast.ClassDef):
                look(statement.body, f"{statement.name}.")
            told = isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant)
            if isinstance(statement, ast.Assign | ast.AnnAssign) and told:
                targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
                found.update(prefix + target.id for target in targets if isinstance(target, ast.Name))

    look(ast.parse(path.read_text()).body, "")
    return found


DOCUMENTED = set().union(*map(_documented_names, PACKAGE))


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_every_public_name_is_documented(module: str, name: str) -> None:
    value = getattr(importlib.import_module(module), name)
    if not callable(value):
        assert name in DOCUMENTED
        return
    # A dataclass without a docstring gets its signature for one.
    assert value.__doc__
    assert not value.__doc__.startswith(f"{name}(")
    if isinstance(value, type):
        for attribute, member in vars(value).items():
            if not attribute.startswith("_") and (callable(member) or isinstance(member, classmethod | property)):
                assert member.__doc__, f"{name}.{attribute}"


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(BatchConfig) if field.init])
def test_every_option_is_documented(field: str) -> None:
    assert f"BatchConfig.{field}" in DOCUMENTED


def test_every_public_name_exists_and_is_named_once() -> None:
    assert len(set(PUBLIC)) == len(PUBLIC)
    for module, name in PUBLIC:
        assert hasattr(importlib.import_module(module), name)


def _alternatives(annotation: Any) -> frozenset[Any]:
    """The members of a union, without the mark of an option that was left out."""
    is_union = typing.get_origin(annotation) in (typing.Union, UnionType)
    members = typing.get_args(annotation) if is_union else (annotation,)
    return frozenset(members) - {msgspec.UnsetType}


def test_the_options_of_the_doors_are_those_of_the_configuration() -> None:
    config = typing.get_type_hints(BatchConfig)
    options = typing.get_type_hints(BatchOptions)
    fields = [field.name for field in dataclasses.fields(BatchConfig) if field.init]
    assert list(options) == fields
    for name, annotation in options.items():
        assert _alternatives(annotation) == _alternatives(config[name]), name


def test_importing_batchware_loads_no_framework_and_no_event_loop() -> None:
    code = "import batchware, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    command = [sys.executable, "-c", code]
    loaded = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert "batchware" in loaded
    assert not HEAVY & set(loaded)


@pytest.mark.parametrize(("door", "other"), [("asgi", "wsgi"), ("wsgi", "asgi")])
def test_a_door_loads_no_framework_and_not_the_other_door(door: str, other: str) -> None:
    code = f"import batchware.{door}, sys; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    loaded = set(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split())
    assert f"batchware.{other}" not in loaded
    assert not (HEAVY - {"asgiref", "asyncio", "concurrent"}) & loaded
