"""`python -m examples.taskboard`: it shows what it says, ends as it should, and explains itself when it can't run."""

from __future__ import annotations

import json
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from examples.taskboard import __main__ as command
from examples.taskboard import race
from examples.taskboard.hosts import listen
from tests.examples.boards import FACES, settings_of

ROOT = Path(command.__file__).parents[2]


@pytest.fixture
def short_race(monkeypatch: pytest.MonkeyPatch) -> None:
    """One round: what the demo measures is not what is tested here."""
    monkeypatch.setattr(race, "WARM_UP", 0)
    monkeypatch.setattr(race, "ROUNDS", 1)


@pytest.mark.usefixtures("short_race")
@pytest.mark.parametrize("host", FACES)
def test_once_shows_four_batches_and_the_race_and_ends_with_0(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    with settings_of(host):
        assert command.main(["--once", "--port", "0", "--host", host]) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert shown.err == ""
    assert max(map(len, lines)) <= 96
    for title in (
        "1. Fetch several tasks",
        "2. Update a task, add it to a project and add followers",
        "3. Add several users to a team",
        "4. A failing and a refused action among good ones",
        "5. A limit counts every action: 10 lists of members a second",
    ):
        assert title in lines
    for row in (
        "PUT /tasks/",
        "POST /organization_exports",
        "one batch of ten",
        "ten requests in parallel",
        "429",
        "Retry-After",
    ):
        assert any(row in line for line in lines)
    assert "expected" not in shown.out


@pytest.mark.usefixtures("short_race")
def test_a_file_serves_from_one_run_to_the_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(tmp_path / "board.sqlite3")
    for _ in range(2):
        assert command.main(["--once", "--port", "0", "--db", path]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.usefixtures("short_race")
def test_a_batch_that_goes_wrong_shows_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("examples.taskboard.showcase.FIELDS", {"felds": ["name"]})
    assert command.main(["--once", "--port", "0"]) == 1
    shown = capsys.readouterr().out
    assert "expected 200" in shown
    assert "Not everything went as expected" in shown


def test_a_taken_port_is_named_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    with listen(0) as taken:
        port = taken.getsockname()[1]
        assert command.main(["--once", "--port", str(port)]) == 1
    assert capsys.readouterr().err == (
        f"taskboard: port {port} is taken by another program; "
        "choose another with --port, or any free one with --port 0\n"
    )


def test_the_listening_socket_says_that_it_is_tcp_so_that_asyncio_sends_at_once() -> None:
    with listen(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_a_file_that_is_no_taskboard_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 100)
    assert command.main(["--once", "--port", "0", "--db", str(path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"taskboard: {path} can't be used")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("host", "absent"), [("starlette", "uvicorn"), ("flask", "waitress"), ("django", "django"), ("flask", "msgspec")]
)
def test_what_is_not_installed_is_named_with_the_way_to_install_it(
    host: str, absent: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lookup(name: str) -> ModuleSpec | None:
        return None if name == absent else find_spec(name)

    monkeypatch.setattr(command, "find_spec", lookup)
    assert command.main(["--once", "--port", "0", "--host", host]) == 1
    assert capsys.readouterr().err == (
        f'taskboard: {absent} not installed; pip install -e ".[demo]" installs all that it needs\n'
    )


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--host", "bottle"]])
def test_a_wrong_option_is_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize("text", ["1500", "1500/50/x", "50/50/15", "1500/5/15", "a/b/c", "1/2/3/4"])
def test_limits_that_the_demo_could_not_live_with_are_named(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--once", "--port", "0", "--limits", text]) == 2
    assert capsys.readouterr().err.startswith("taskboard: --limits must be ")


@pytest.mark.usefixtures("short_race")
def test_c35_limits_that_the_race_would_exceed_leave_it_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--once", "--port", "0", "--limits", "150/50/15"]) == 0
    assert "The race is left out" in capsys.readouterr().out


@pytest.fixture(params=FACES)
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[str]]:
    line = [sys.executable, "-W", "error", "-m", "examples.taskboard", "--port", "0", "--host", request.param]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as started:
        try:
            yield started
        finally:
            started.kill()


def test_it_serves_on_with_a_command_line_that_works_until_ctrl_c(process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    assert process.stderr is not None
    printed = list(iter(process.stdout.readline, "Serving on; Ctrl-C ends it. A batch to send by hand:\n"))
    assert len(printed) > 30, printed
    process.stdout.readline()
    words = shlex.split("".join(iter(process.stdout.readline, "\n")).replace("\\\n", ""))
    assert words[:2] == ["curl", "-s"]
    url = urlsplit(words[2])
    options = list(zip(words[3::2], words[4::2], strict=True))
    headers = dict(value.split(": ", 1) for option, value in options if option == "-H")
    (body,) = (value for option, value in options if option == "-d")
    assert url.hostname
    assert url.port
    with closing(HTTPConnection(url.hostname, url.port, timeout=30)) as connection:
        connection.request("POST", f"{url.path}?{url.query}", body, headers)
        results = json.loads(connection.getresponse().read())["data"]
    assert [result["status_code"] for result in results] == [200] * 3

    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest, errors) == (0, "\nStopped.\n", "")
