"""The files of a run, and pauses that take no time."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from batchware.send import command
from batchware.send.landing import Settings
from tests.client.send.sending import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """After trouble the next batch goes at once."""
    monkeypatch.setattr(command, "Settings", partial(Settings, pause=0.0))
