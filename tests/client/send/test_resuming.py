"""What a run needs to be gone on with, and what it refuses to go on with."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from batchware.__main__ import main
from batchware.send.journal import Journal
from tests.client.send.scripted import Answer, errors, scripted
from tests.client.send.sending import Folder, read, write

THIRTY = [write(f"/{number}") if number % 3 else read(f"/{number}") for number in range(1, 31)]
URL = "http://127.0.0.1:1/api/batch"
SECRET = "Bearer not-for-the-disk"


def cut_off(folder: Folder, *options: str) -> None:
    """A run of which the first batch has its results, and the second is in doubt."""
    folder.write(THIRTY)
    with scripted(None, Answer(breaks=0), Answer(401)) as server:
        assert folder.send(server.url, "--idempotent", "--header", f"Authorization: {SECRET}", *options) == 3
    folder.moves_to(URL)


def resume(folder: Folder, *options: str) -> tuple[int, list[list[str]]]:
    """The exit status, and the batches that were sent."""
    with scripted() as server:
        folder.moves_to(server.url)
        return folder.send(server.url, "--resume", *options), server.batches


def test_a_run_goes_on_with_what_is_in_doubt_and_then_with_what_is_left(folder: Folder) -> None:
    cut_off(folder)
    status, batches = resume(folder, "--idempotent")
    assert (status, [name for batch in batches for name in batch]) == (0, [f"/{number}" for number in range(11, 31)])
    assert list(folder.results) == list(range(1, 31))


@pytest.mark.parametrize("answer", [Answer(429, errors("No."), {"retry-after": "86400"}), Answer(401), Answer(502)])
def test_a_batch_in_doubt_stays_so_until_it_has_an_answer(folder: Folder, answer: Answer) -> None:
    cut_off(folder)
    keys = []
    for answers in ([answer, Answer(401)], []):
        with scripted(*answers) as server:
            folder.moves_to(server.url)
            folder.send(server.url, "--resume", "--idempotent")
            keys += [posted.key for posted in server.posted if "/11" in posted.names]
    assert len(keys) >= 2
    assert len(set(keys)) == 1
    assert list(folder.results) == list(range(1, 31))


def test_lines_that_were_errors_are_so_once(folder: Folder) -> None:
    folder.write([b"nonsense"] * 5)
    with scripted() as server:
        for _ in range(3):
            assert folder.send(server.url, "--resume") == 1
    assert list(folder.results) == [1, 2, 3, 4, 5]


def test_a_run_that_is_done_has_nothing_to_go_on_with(folder: Folder) -> None:
    folder.write(THIRTY)
    with scripted() as server:
        for _ in range(3):
            assert folder.send(server.url, "--resume") == 0
        assert len(server.posted) == 3


def test_lines_that_were_added_since_are_new(folder: Folder) -> None:
    cut_off(folder)
    with folder.actions.open("a") as file:
        file.write(json.dumps(write("/31")))
    status, batches = resume(folder, "--idempotent")
    assert (status, batches[-1]) == (0, ["/31"])


def test_other_sizes_than_before_are_fine_and_leave_batches_in_doubt_as_they_were(folder: Folder) -> None:
    cut_off(folder)
    status, batches = resume(folder, "--idempotent", "--max-actions", "4")
    assert (status, list(map(len, batches))) == (0, [10, 4, 4, 2])


def test_keys_that_the_server_may_have_forgotten_are_not_relied_on(folder: Folder) -> None:
    cut_off(folder)
    status, batches = resume(folder, "--idempotent", "--keys-kept", "0.000001")
    assert status == 4
    assert batches[0][:3] == ["/12", "/15", "/18"]
    unknown = [line for line, outcome in folder.outcomes.items() if outcome == "unknown"]
    assert unknown == [11, 13, 14, 16, 17, 19, 20]


@pytest.mark.parametrize("lost", [1, 5, 100])
def test_a_torn_result_is_written_again_and_a_torn_record_was_never_sent(folder: Folder, lost: int) -> None:
    cut_off(folder)
    folder.out.write_bytes(folder.out.read_bytes()[:-lost])
    records = folder.journal.read_bytes().splitlines(keepends=True)
    folder.journal.write_bytes(b"".join(record for record in records if b"closed" not in record) + b'{"batch": 9')
    status, batches = resume(folder, "--idempotent")
    assert status == 0
    assert batches[0] == [f"/{number}" for number in range(1, 11)]
    assert sorted(folder.results) == list(range(1, 31))


def test_no_credentials_are_in_any_file(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    cut_off(folder)
    said = capfd.readouterr()
    for text in (folder.journal.read_text(), folder.out.read_text(), said.out, said.err):
        assert "not-for-the-disk" not in text


def changed_line(folder: Folder) -> None:
    folder.actions.write_text(folder.actions.read_text().replace('"/5"', '"/55"'))


def swapped_lines(folder: Folder) -> None:
    first, second, *others = folder.actions.read_text().splitlines()
    folder.actions.write_text("\n".join([second, first, *others]))


def longer_last_line(folder: Folder) -> None:
    folder.actions.write_text(folder.actions.read_text().rstrip("\n") + " \n")


def fewer_lines(folder: Folder) -> None:
    folder.actions.write_text("\n".join(folder.actions.read_text().splitlines()[:-1]))


def no_lines(folder: Folder) -> None:
    folder.actions.write_text("")


def line_in_doubt_gone(folder: Folder) -> None:
    folder.actions.write_text(folder.actions.read_text().replace(json.dumps(write("/11")), "nonsense"))


def no_journal(folder: Folder) -> None:
    folder.journal.unlink()


def damaged_journal(folder: Folder) -> None:
    folder.journal.write_bytes(folder.journal.read_bytes().replace(b'"closed":1', b'"closed":1"'))


def later_version(folder: Folder) -> None:
    folder.journal.write_bytes(folder.journal.read_bytes().replace(b'"journal": 1', b'"journal": 2'))


def damaged_results(folder: Folder) -> None:
    folder.out.write_bytes(b"nonsense\n" + folder.out.read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        changed_line,
        swapped_lines,
        longer_last_line,
        fewer_lines,
        no_lines,
        line_in_doubt_gone,
        damaged_journal,
        later_version,
        damaged_results,
    ],
)
def test_another_input_and_damaged_files_are_refused_and_nothing_is_sent(
    folder: Folder, change: Callable[[Folder], Any]
) -> None:
    cut_off(folder)
    change(folder)
    before = folder.out.read_bytes()
    assert resume(folder, "--idempotent") == (2, [])
    assert folder.out.read_bytes() == before


def test_results_without_their_journal_are_refused(folder: Folder) -> None:
    cut_off(folder)
    no_journal(folder)
    with scripted() as server:
        assert folder.send(server.url, "--resume") == 2
    assert server.posted == []


@pytest.mark.parametrize("options", [["--style", "plain"], ["--url", "http://127.0.0.1:1/other/batch"]])
def test_another_server_or_style_is_refused(folder: Folder, options: list[str]) -> None:
    cut_off(folder)
    assert resume(folder, *options) == (2, [])


def test_results_are_never_written_over(folder: Folder) -> None:
    cut_off(folder)
    before = folder.out.read_bytes()
    with scripted() as server:
        assert folder.send(server.url) == 2
    assert (server.posted, folder.out.read_bytes()) == ([], before)


def test_two_processes_can_not_work_with_one_journal(folder: Folder) -> None:
    cut_off(folder)
    with Journal.at(folder.journal):
        assert folder.send(URL, "--resume") == 2


def test_a_run_without_results_in_a_file_can_not_be_resumed(folder: Folder) -> None:
    folder.write(THIRTY)
    assert main(["send", str(folder.actions), "--url", "http://127.0.0.1:1/b", "--resume"]) == 2
