"""The bar on a terminal, and lines of text where there is none or `rich` is not installed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from batchware.send import progress
from tests.client.send.scripted import scripted
from tests.client.send.sending import Folder, write
from tests.client.send.test_command import DEADLINE, ROOT, command

pty = pytest.importorskip("pty", reason="no terminals to be had here")


def on_a_terminal(folder: Folder, prelude: str) -> str:
    """What the command writes to a terminal, after some lines of Python."""
    folder.write([write(f"/{number}") for number in range(200)])
    ours, theirs = pty.openpty()
    with scripted() as server:
        code = f"{prelude}\nimport sys\nfrom batchware.__main__ import main\nsys.exit(main())"
        arguments = [sys.executable, "-c", code, *command(str(folder.actions), "--url", server.url)[3:]]
        environment = os.environ | {"TERM": "xterm", "COLUMNS": "100"}
        with subprocess.Popen(
            arguments, stdout=subprocess.DEVNULL, stderr=theirs, cwd=ROOT, env=environment
        ) as process:
            os.close(theirs)
            found = b""
            try:
                while piece := os.read(ours, 4096):
                    found += piece
            except OSError:  # how a terminal ends on Linux
                pass
            os.close(ours)
            assert process.wait(DEADLINE) == 0
    return found.decode()


def test_a_terminal_has_a_bar_and_then_the_summary(folder: Folder) -> None:
    text = on_a_terminal(folder, "")
    assert "\x1b[" in text
    assert "━" in text
    assert "200 lines; " in text


def test_without_rich_there_is_text_only(folder: Folder) -> None:
    text = on_a_terminal(folder, "from batchware.send import progress\nprogress.find_spec = lambda name: None")
    assert "\x1b" not in text
    assert "200 lines; " in text


def test_text_says_how_far_it_is_and_what_it_waits_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    shown = progress.progress(1000, quiet=False)
    shown.show({200: 1200, 404: 3, progress.NOT_DONE: 2, progress.UNKNOWN: 1}, 250, "")
    shown.show({200: 1}, 2000, "429 Later.")
    progress.progress(None, quiet=False).show({}, 5, "")
    shown.close()
    assert capsys.readouterr().err.splitlines() == [
        " 25%  1,206 lines, 5 failed, 1 unknown",
        "100%  1 line; waiting: 429 Later.",
        "0 lines",
    ]


def test_quiet_shows_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "EVERY", 0.0)
    folder.write([write("/x")])
    with scripted() as server:
        assert folder.send(server.url, "--quiet") == 0
    assert capsys.readouterr().err.startswith("1 line; ")
