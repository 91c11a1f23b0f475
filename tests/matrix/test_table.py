"""The README says what the matrix runs, and what is installed is what it says."""

from __future__ import annotations

import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.matrix.cells import ASGI_HOSTS, ASGI_SERVERS, CELLS, WSGI_HOSTS, WSGI_SERVERS
from tests.matrix.table import VERSIONS, table, written

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def test_the_readme_has_the_table_of_what_is_run() -> None:
    assert written(README) == README, "`python -m tests.matrix` writes it"


def test_every_framework_is_run_on_every_server_of_its_door() -> None:
    cells = {(cell.host.id, cell.server.id) for cell in CELLS}
    for hosts, servers in ((ASGI_HOSTS, ASGI_SERVERS), (WSGI_HOSTS, WSGI_SERVERS)):
        assert {(host, server.id) for host in hosts.values() for server in servers.values()} <= cells
    assert len(re.findall("✓", table())) == len(cells) == len(CELLS)


@pytest.mark.parametrize("name", VERSIONS)
def test_the_versions_are_those_of_the_table(name: str) -> None:
    series = VERSIONS[name][max(python for python in VERSIONS[name] if python <= sys.version_info)]
    assert version(name).startswith(f"{series}.")
