"""Each integration can be imported where its host is, and says what is missing where it is not."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.servers.running import ROOT

HOSTS = [
    ("batchware.integrations.flask", "flask"),
    ("batchware.integrations.django", "django"),
    ("batchware.integrations.drf_spectacular", "drf_spectacular"),
    ("batchware.integrations.fastapi", "fastapi"),
    ("batchware.integrations.litestar", "litestar"),
    ("batchware.testing.django", "django"),
]


@pytest.mark.parametrize(("module", "host"), HOSTS)
@pytest.mark.parametrize("there", [True, False], ids=["with its host", "without it"])
def test_an_integration_needs_its_host_alone(module: str, host: str, there: bool) -> None:
    code = f"import sys\n{'' if there else f'sys.modules[{host!r}] = None'}\nimport {module}"
    ran = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True)
    if there:
        assert ran.returncode == 0, ran.stderr
    else:
        last = ran.stderr.splitlines()[-1]
        assert last.startswith("ModuleNotFoundError: ")
        assert host in last


@pytest.mark.parametrize("host", sorted({host for _, host in HOSTS}))
def test_api_documentation_needs_no_host(host: str) -> None:
    code = f"import sys\nsys.modules[{host!r}] = None\nfrom batchware import openapi"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
