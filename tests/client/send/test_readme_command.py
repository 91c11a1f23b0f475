"""The command that the README shows works as it stands there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from batchware.__main__ import main
from tests.client.send.scripted import scripted
from tests.client.send.sending import Folder, write

README = (Path(__file__).parents[3] / "README.md").read_text("utf-8")


def test_the_command_for_very_many_actions_sends_them(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = [text for text in re.findall(r"^```sh\n(.*?)^```$", README, re.M | re.S) if "batchware send" in text]
    program, *arguments = shlex.split(block.replace("\\\n", " "))
    assert program == "batchware"
    folder.write([write(f"/{number}") for number in range(30)])
    (folder.path / "headers.txt").write_text("Authorization: Bearer x\n")
    monkeypatch.chdir(folder.path)
    with scripted(None, lambda posted: None) as server:
        arguments[arguments.index("--url") + 1] = server.url
        assert [main(arguments), main(arguments)] == [0, 0]  # the second time there is nothing left
        assert len(server.posted) == 3
    assert set(folder.outcomes.values()) == {200}
