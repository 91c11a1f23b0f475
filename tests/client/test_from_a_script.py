"""The script of the README, run as it stands there against the taskboard on its three faces."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from batchware.client import Sender
from tests.client.conftest import Served

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
BLOCKS = re.findall(r"^## From a script$.*?^```python\n(.*?)^```$", README, re.M | re.S)
EXAMPLE = "https://api.example.com/batch"


def test_the_script_of_the_readme_reads_and_writes(served: Served, capsys: pytest.CaptureFixture[str]) -> None:
    (script,) = BLOCKS
    assert EXAMPLE in script
    assert len(script.splitlines()) < 15
    gids = served.sample.tasks * 3
    names: dict[str, Any] = {"gids": gids, "token": served.sample.token}
    exec(script.replace(EXAMPLE, served.url), names)
    assert isinstance(names["sender"], Sender)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(gids)
    assert printed[0] == "Write the announcement"
    assert printed == printed[: len(served.sample.tasks)] * 3
    assert names["new"].result().status == 201
