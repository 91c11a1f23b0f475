"""The command as a whole: what it refuses to run, its exit status, signals, standard input and output, connections."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from batchware.__main__ import main
from batchware.send import command as send_command
from batchware.send.lines import Line, lines
from tests.client.send.scripted import Answer, Posted, fine, scripted
from tests.client.send.sending import Folder, read, write

ROOT = Path(__file__).parents[3]
URL = "http://127.0.0.1:1/batch"
DEADLINE = 60


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "batchware", "send", *arguments]


@pytest.mark.parametrize(
    "options",
    [
        ["--url", "ftp://host/batch"],
        ["--url", "http://host"],
        ["--url", "http://host:99999/batch"],
        ["--url", "http:///batch"],
        ["--url", "http://host/batch?opt_fields=body"],
        ["--url", "http://user:not-for-the-log@host/batch"],
        [],
        ["--url", URL, "--header", "no colon"],
        ["--url", URL, "--header", "two words: x"],
        ["--url", URL, "--header", "Idempotency-Key: not-for-the-log"],
        ["--url", URL, "--header", "content-type: text/plain"],
        ["--url", URL, "--header", "X: not-for-the-log\r\nY: 1"],
        ["--url", URL, "--header", "X: 漢 not-for-the-log"],
        ["--url", URL, "--header", "X: 1", "--header", "x: not-for-the-log"],
        ["--url", URL, "--header", "@/nowhere"],
        ["--url", URL, "--resume"],
        ["--url", URL, "--out", "/nowhere/results"],
        ["--url", URL, "--out", "{actions}"],
        ["--url", URL, "/nowhere"],
        ["--url", URL, "--parallel", "0"],
        ["--url", URL, "--max-actions", "-1"],
        ["--url", URL, "--timeout", "nan"],
        ["--url", URL, "--style", "other"],
    ],
)
def test_a_wrong_command_is_2_and_sends_nothing(
    folder: Folder, options: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    folder.write([read("/x")])
    given = [option.format(actions=folder.actions) for option in options]
    try:
        status: Any = main(["send", *([] if "/nowhere" in given else [str(folder.actions)]), *given])
    except SystemExit as error:  # argparse's own
        status = error.code
    said = capfd.readouterr()
    assert (status, said.out) == (2, "")
    assert "batchware send: " in said.err
    assert "not-for-the-log" not in said.err
    assert folder.actions.read_text() == json.dumps(read("/x")) + "\n"


@pytest.mark.parametrize(
    ("statuses", "exit_status"), [([200, 201, 204, 304], 0), ([200, 404], 1), ([500], 1), ([200, 399], 0)]
)
def test_the_exit_status_says_whether_all_succeeded(folder: Folder, statuses: list[int], exit_status: int) -> None:
    folder.write([write(f"/{number}") for number in range(len(statuses))])
    results = [{"status_code": status, "headers": {}, "body": None} for status in statuses]
    with scripted(Answer(body={"data": results})) as server:
        assert folder.send(server.url) == exit_status
    assert list(folder.outcomes.values()) == statuses


def test_the_summary_counts_by_status(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    folder.write([read("/1"), b"nonsense", write("/2"), write("/3")])
    results = [{"status_code": status, "headers": {}, "body": None} for status in (200, 404, 404)]
    with scripted(Answer(body={"data": results})) as server:
        assert folder.send(server.url) == 1
    head, *rows = capfd.readouterr().err.splitlines()
    assert head.startswith("4 lines, 3 failed; ")
    assert [row.split() for row in rows] == [["200", "1"], ["404", "2"], ["not", "done", "1"]]


def test_standard_input_and_standard_output_are_pipes_like_any_other(tmp_path: Path) -> None:
    given = "".join(json.dumps(write(f"/{number}")) + "\n" for number in range(1, 101))
    with scripted() as server:
        done = subprocess.run(
            command("--url", server.url),
            input=given,
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=DEADLINE,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert sorted(json.loads(line)["line"] for line in done.stdout.splitlines()) == list(range(1, 101))
    assert len(server.posted) == 10


def test_standard_input_is_resumed_when_it_comes_again(folder: Folder) -> None:
    whole = "".join(json.dumps(write(f"/{number}")) + "\n" for number in range(1, 31))
    with scripted(None, Answer(401)) as server:
        arguments = command("--url", server.url, "--out", str(folder.out), "--resume", "--parallel", "1")

        def send(given: str) -> int:
            done = subprocess.run(arguments, input=given, text=True, cwd=ROOT, timeout=DEADLINE, check=False)
            return done.returncode

        assert [send(whole), send(whole.replace("/5", "/6")), send(whole)] == [3, 2, 0]
    assert [name for batch in server.batches for name in batch[:1]] == ["/1", "/11", "/11", "/21"]
    assert list(folder.results) == list(range(1, 31))


def test_a_slow_input_is_sent_as_it_comes(folder: Folder) -> None:
    with (
        scripted() as server,
        subprocess.Popen(
            command("--url", server.url), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        for number in range(1, 4):
            process.stdin.write(json.dumps(write(f"/{number}")) + "\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["line"] == number
        process.stdin.close()
        assert process.wait(DEADLINE) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_lets_what_is_under_way_land_and_the_run_can_be_resumed(
    folder: Folder, number: signal.Signals, status: int
) -> None:
    """The input never ends, so the run can't."""
    line = json.dumps(write("/x")).encode() + b"\n"
    started: list[subprocess.Popen[bytes]] = []
    ready = threading.Event()

    def interrupted(posted: Posted) -> None:
        assert ready.wait(DEADLINE)
        started[0].send_signal(number)

    with scripted(interrupted) as server:
        arguments = command("--url", server.url, "--out", str(folder.out), "--parallel", "1")
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0, cwd=ROOT)
        with process:
            started.append(process)
            ready.set()
            endlessly(process, line)
            assert process.wait(DEADLINE) == status
            assert process.stderr is not None
            assert b"stopped: interrupted; --resume goes on" in process.stderr.read()
        sent = sum(len(batch) for batch in server.batches)
        assert list(folder.results) == list(range(1, sent + 1))
        folder.actions.write_bytes(line * (sent + 5_000))
        before = len(server.posted)
        assert folder.send(server.url, "--resume", "--max-actions", "1000") == 0
        assert sum(len(batch) for batch in server.batches[before:]) == 5_000


def endlessly(process: subprocess.Popen[bytes], line: bytes) -> None:
    """Writes to a process until it ends."""
    assert process.stdin is not None
    with suppress(BrokenPipeError):
        while True:
            process.stdin.write(line)


def test_a_second_signal_waits_for_nothing(folder: Folder) -> None:
    folder.write([write(f"/{number}") for number in range(1, 21)])
    came, over = threading.Event(), threading.Event()

    def never(posted: Posted) -> None:
        came.set()
        over.wait(DEADLINE)

    with scripted(never) as server:
        arguments = command(str(folder.actions), "--url", server.url, "--out", str(folder.out), "--parallel", "1")
        with subprocess.Popen(arguments, stderr=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stderr is not None
            assert came.wait(DEADLINE)
            process.send_signal(signal.SIGINT)
            assert b"waiting for what is under way" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 130
            assert b"Traceback" not in process.stderr.read()
        over.set()
        assert folder.send(server.url, "--resume") == 4
    assert set(list(folder.outcomes.values())[:10]) == {"unknown"}


def test_the_input_is_not_read_far_ahead_of_what_is_sent(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """So memory does not grow with the input."""
    read_lines: list[int] = []
    ahead: list[int] = []

    def counted(*arguments: Any) -> Iterator[Line]:
        for line in lines(*arguments):
            read_lines.append(line.number)
            yield line

    def look(posted: Posted) -> None:
        ahead.append(len(read_lines) - 10 * len(ahead))

    monkeypatch.setattr(send_command, "lines", counted)
    folder.write([write(f"/{number}") for number in range(2000)])
    with scripted(*[look] * 200) as server:
        assert folder.send(server.url) == 0
    assert len(ahead) == 200
    assert max(ahead) <= 4 * 10 + 10 + 1


def test_batches_share_a_connection_and_a_closed_one_leaves_nothing_in_doubt(folder: Folder) -> None:
    folder.write([write(f"/{number}") for number in range(100)])

    def last(posted: Posted) -> Answer:
        answer = fine(posted)
        return Answer(body=answer.body, closes=True)

    with scripted(None, None, last) as server:
        assert folder.send(server.url) == 0
    assert len({posted.connection for posted in server.posted}) == 2
    assert set(folder.outcomes.values()) == {200}


def test_headers_are_sent_with_every_batch_and_may_be_in_a_file(folder: Folder, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("Authorization: Bearer x\n\nX-Team: é\n", "utf-8")
    folder.write([write(f"/{number}") for number in range(20)])
    with scripted() as server:
        assert folder.send(server.url, "--header", f"@{tmp_path / 'headers'}", "--header", "X-One: 1") == 0
    for posted in server.posted:
        assert posted.headers["authorization"] == "Bearer x"
        assert posted.headers["x-team"] == "é"
        assert posted.headers["x-one"] == "1"
        assert posted.headers["content-type"] == "application/json"
        assert posted.key.startswith('"')
        assert posted.key.endswith('"')


def test_a_disk_that_is_full_ends_the_run_and_it_can_be_resumed(folder: Folder) -> None:
    resource = pytest.importorskip("resource", reason="no limits to be set here")
    folder.write([write(f"/{number}") for number in range(1, 101)])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    with scripted() as server:
        arguments = command(str(folder.actions), "--url", server.url, "--out", str(folder.out))
        done = subprocess.run(
            arguments, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=DEADLINE, check=False, preexec_fn=limit
        )
        assert done.returncode == 3
        assert "a file can't be written" in done.stderr
        assert "Traceback" not in done.stderr
        assert folder.send(server.url, "--resume") == 4  # what was under way is unknown, since keys are not kept
    assert sorted(folder.results) == list(range(1, 101))


def test_a_file_that_can_not_be_written_ends_the_run(folder: Folder) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    folder.write([write("/x")])
    with scripted() as server, open("/dev/full", "wb") as full:
        arguments = command(str(folder.actions), "--url", server.url)
        done = subprocess.run(
            arguments, stdout=full, stderr=subprocess.PIPE, text=True, cwd=ROOT, timeout=DEADLINE, check=False
        )
    assert done.returncode == 3
    assert "a file can't be written" in done.stderr
    assert "Traceback" not in done.stderr
