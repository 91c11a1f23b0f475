"""The folder of the client can be copied elsewhere: it needs the standard library, and nothing else of batchware."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import batchware.client

FOLDER = Path(batchware.client.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(FOLDER).with_suffix("").parts) for path in FOLDER.rglob("*.py") if path.stem != "__init__"
)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the client is under another name."""
    folder = tmp_path_factory.mktemp("elsewhere")
    shutil.copytree(FOLDER, folder / "vendored", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def run(elsewhere: Path, code: str) -> set[str]:
    """What a Python without site packages and without this project prints, in words."""
    command = [sys.executable, "-I", "-S", "-B", "-c", f"import sys; sys.path.append({str(elsewhere)!r}); {code}"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True, cwd=elsewhere).stdout.split())


LOADED = "print(*sys.modules)"


@pytest.mark.parametrize("module", MODULES)
def test_each_module_imports_with_the_standard_library_alone(elsewhere: Path, module: str) -> None:
    loaded = run(elsewhere, f"import vendored.{module}; {LOADED}")
    assert f"vendored.{module}" in loaded
    roots = {name.partition(".")[0] for name in loaded if not name.startswith(("_", "vendored"))}
    assert roots <= sys.stdlib_module_names | {"sitecustomize"}


def test_every_name_is_there_under_another_name(elsewhere: Path) -> None:
    names = run(elsewhere, "import vendored; print(*[name for name in vendored.__all__ if getattr(vendored, name)])")
    assert names == set(batchware.client.__all__)


def test_the_synchronous_client_loads_no_event_loop_and_no_http_client(elsewhere: Path) -> None:
    loaded = run(elsewhere, f"import vendored; vendored.Sender; {LOADED}")
    assert not {"asyncio", "concurrent.futures", "http.client", "ssl", "socket", "urllib.request"} & loaded


def test_batches_are_sent_by_the_copy(elsewhere: Path) -> None:
    code = """
import vendored
def post(url, headers, body):
    result = b'{"status_code": 200, "headers": {}, "body": 7}'
    return vendored.Answer.of(200, {}, b'{"data": [' + result + b"]}")
with vendored.Sender(post, "/batch").batch() as batch:
    seven = batch.get("/7")
print(seven.result().body)
"""
    assert run(elsewhere, f"exec({code!r})") == {"7"}
