"""The options are typed where hosts take them: a wrong one is an error in mypy and in pyright, a good one in neither.

Both are of the `lint` extra, and so is the step of CI that runs this.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers.running import ROOT

_STARLETTE = """
from starlette.applications import Starlette
from batchware import Quota, require_header
from batchware.asgi import BatchMiddleware

app = Starlette()
app.add_middleware(BatchMiddleware, {options})
"""
_FASTAPI = _STARLETTE.replace("starlette.applications", "fastapi").replace("Starlette", "FastAPI")
_FLASK = """
from batchware import Quota, require_header
from batchware.integrations.flask import Batch

batch = Batch({options})
"""
_DOOR = """
from batchware import Quota, require_header
from batchware.{door} import BatchMiddleware

app: object = None
batched = BatchMiddleware(app, {{options}})
"""
PLACES = {
    "starlette": _STARLETTE,
    "fastapi": _FASTAPI,
    "flask": _FLASK,
    "asgi": _DOOR.format(door="asgi"),
    "wsgi": _DOOR.format(door="wsgi"),
}
GOOD = [
    "max_actions=5",
    'authorize=require_header("authorization"), limits=[Quota("all", 100)], style="plain"',
    'path="/api/batch", envelope=None, deny=["POST /uploads/**"], action_timeout=None',
]
_CLIENT = """
import {library}
from batchware.client.transport import BatchTransport

transport = BatchTransport({library}.AsyncHTTPTransport(), "https://host/batch", {options})
client = {library}.AsyncClient(transport=transport)
"""
_CLIENT_OPTIONS = {"good": 'style="plain", window=0.01, direct=["/events/**"]', "bad": 'style="plan"'}
BAD = ["max_actons=5", 'max_actions="5"', 'style="asna"', "limits=[5]", "authorize=5"]

SNIPPETS = {
    f"{place}_{kind}_{number}.py": template.format(options=options)
    for place, template in PLACES.items()
    for kind, all_options in (("good", GOOD), ("bad", BAD))
    for number, options in enumerate(all_options)
} | {
    f"{library}_{kind}_0.py": _CLIENT.format(library=library, options=options)
    for library in ("httpx2", "httpx")
    for kind, options in _CLIENT_OPTIONS.items()
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typing")
    for name, text in SNIPPETS.items():
        (folder / name).write_text(text)
    return folder


def _mypy(folder: Path) -> set[str]:
    """The files that mypy finds an error in."""
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--config-file=", "--output=json", "."]
    command += ["--namespace-packages", "--explicit-package-bases"]
    ran = subprocess.run(
        command, check=False, cwd=folder, capture_output=True, text=True, env={"MYPYPATH": str(ROOT), "PATH": ""}
    )
    assert ran.returncode in {0, 1}, ran.stdout + ran.stderr
    found = [json.loads(line) for line in ran.stdout.splitlines()]
    return {Path(one["file"]).name for one in found if one["severity"] == "error"}


def _pyright(folder: Path) -> set[str]:
    """The files that pyright finds an error in."""
    program = shutil.which("pyright", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("needs pyright")
    (folder / "pyrightconfig.json").write_text(json.dumps({"extraPaths": [str(ROOT)], "pythonVersion": "3.11"}))
    command = [str(program), "--outputjson", "--pythonpath", sys.executable, "--project", str(folder)]
    ran = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    found = json.loads(ran.stdout)["generalDiagnostics"]
    return {Path(one["file"]).name for one in found if one["severity"] == "error"}


@pytest.mark.parametrize("checker", [_mypy, _pyright], ids=["mypy", "pyright"])
def test_wrong_options_are_errors_and_good_ones_are_none(checker: object, folder: Path) -> None:
    assert callable(checker)
    assert checker(folder) == {name for name in SNIPPETS if "_bad_" in name}
