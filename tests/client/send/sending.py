"""One run of the command in this process, and what it left behind."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchware.__main__ import main


@dataclass
class Folder:
    """The files of a run."""

    path: Path

    @property
    def actions(self) -> Path:
        return self.path / "actions.jsonl"

    @property
    def out(self) -> Path:
        return self.path / "results.jsonl"

    @property
    def journal(self) -> Path:
        return self.path / "results.jsonl.journal"

    def write(self, actions: Sequence[Any]) -> None:
        """One action a line; bytes as they are."""
        lines = [action if isinstance(action, bytes) else json.dumps(action).encode() for action in actions]
        self.actions.write_bytes(b"".join(line + b"\n" for line in lines))

    def send(self, url: str, *options: str) -> int:
        """The exit status."""
        arguments = ["send", str(self.actions), "--url", url, "--out", str(self.out), "--parallel", "1", *options]
        return main(arguments)

    def moves_to(self, url: str) -> None:
        """Puts another address into the journal: that of the next server."""
        head, *records = self.journal.read_bytes().splitlines(keepends=True)
        self.journal.write_bytes(b"".join([json.dumps(json.loads(head) | {"url": url}).encode() + b"\n", *records]))

    @property
    def results(self) -> dict[int, Any]:
        """By line; a line that has two results fails."""
        lines = [json.loads(line) for line in self.out.read_text().splitlines()]
        assert len({line["line"] for line in lines}) == len(lines)
        return {line.pop("line"): line for line in lines}

    @property
    def outcomes(self) -> dict[int, int | str]:
        """The status of each line, or `error` or `unknown`."""
        return {
            line: result.get("status_code") or next(name for name in ("error", "unknown") if name in result)
            for line, result in sorted(self.results.items())
        }


def read(path: str) -> dict[str, Any]:
    return {"method": "get", "relative_path": path}


def write(path: str) -> dict[str, Any]:
    return {"method": "post", "relative_path": path, "data": {}}
