"""The README's lines for many things in order, run as they stand there against the example."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2

from batchware.client.adapters import post_of
from tests.client.shuffled_board import shuffled

README = Path(__file__).parents[2] / "README.md"


def test_many_things_in_order_is_what_was_run() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.M | re.S)
    (block,) = [text for text in blocks if "put_in_order" in text]
    lines = [f"Line {number}" for number in range(50)]
    with httpx2.Client() as client, shuffled("starlette", post_of(client, 60.0), {}) as host:
        names: dict[str, Any] = {"lines": lines, "project": host.sample.project, "sender": host}
        exec(block, names)
        assert host.names(host.sample.project)[-50:] == lines
        assert host.requests == 10
        assert len(names["gids"]) == 50


def test_the_section_has_fewer_than_fifteen_lines() -> None:
    (section,) = re.findall(r"^## Many things in order\n(.*?)(?=^## )", README.read_text("utf-8"), re.M | re.S)
    assert len([line for line in section.splitlines() if line.strip()]) < 15
