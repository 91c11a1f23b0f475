"""The store: transactions that are all or nothing, and an order that parallel insertions can't break."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from examples.taskboard.exchange import Refusal
from examples.taskboard.placements import Side, place, remove
from examples.taskboard.sample import Sample, fill
from examples.taskboard.store import NotATaskboard, Store, new_gid

THREADS = 8


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with Store(":memory:" if request.param == "memory" else str(tmp_path / "board.sqlite3")) as made:
        yield made


@pytest.fixture
def sample(store: Store) -> Sample:
    return fill(store)


def at_once(work: Callable[[int], object]) -> None:
    """Runs `work(0)` to `work(THREADS - 1)` in threads that start together; raises what any of them raised."""
    barrier = Barrier(THREADS, timeout=30)

    def start(index: int) -> None:
        barrier.wait()
        work(index)

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(start, range(THREADS)))


def order(store: Store, project: str) -> list[str]:
    """The tasks of a project by position; fails if two positions are the same."""
    with store.transaction(write=False) as db:
        rows = db.execute(
            "SELECT task, position FROM placements WHERE project = ? ORDER BY position", (int(project),)
        ).fetchall()
    assert len({row["position"] for row in rows}) == len(rows)
    assert all(row["position"] >= 0 for row in rows)
    return [str(row["task"]) for row in rows]


def put(store: Store, project: str, task: str, side: Side = "insert_before", anchor: str | None = None) -> None:
    with store.transaction(write=True) as db:
        place(db, int(project), int(task), side, None if anchor is None else int(anchor))


def test_a_transaction_that_fails_leaves_nothing_behind(store: Store, sample: Sample) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction(write=True) as db:
        assert db.execute("DELETE FROM tasks").rowcount / 0
    with store.transaction(write=False) as db:
        assert db.execute("SELECT count(*) FROM tasks").fetchone()[0] == len(sample.tasks)


def test_a_statement_that_fails_leaves_the_store_usable(store: Store, sample: Sample) -> None:
    with pytest.raises(sqlite3.IntegrityError), store.transaction(write=True) as db:
        db.execute("INSERT INTO members VALUES (1, 1)")
    assert fill(store).tasks == sample.tasks


def test_a_gid_is_given_once_whoever_asks_at_the_same_time(store: Store) -> None:
    given: list[int] = []

    def work(index: int) -> None:
        for _ in range(25):
            with store.transaction(write=True) as db:
                given.append(new_gid(db))

    at_once(work)
    assert len(set(given)) == THREADS * 25


def test_a_reader_never_sees_half_of_a_transaction(store: Store, sample: Sample) -> None:
    first, second = map(int, sample.people[:2])

    def work(index: int) -> None:
        for _ in range(25):
            if index % 2:
                with store.transaction(write=True) as db:
                    db.execute("UPDATE tasks SET assignee = ?", (first if index == 1 else second,))
            else:
                with store.transaction(write=False) as db:
                    assert len(db.execute("SELECT DISTINCT assignee FROM tasks").fetchall()) == 1

    with store.transaction(write=True) as db:
        db.execute("UPDATE tasks SET assignee = ?", (first,))
    at_once(work)


def test_insertions_after_one_task_at_the_same_time_all_find_a_place_of_their_own(store: Store, sample: Sample) -> None:
    anchor, others = sample.tasks[0], sample.tasks[1 : THREADS + 1]
    put(store, sample.backlog, anchor)
    at_once(lambda index: put(store, sample.backlog, others[index], "insert_after", anchor))
    found = order(store, sample.backlog)
    assert found[0] == anchor
    assert sorted(found[1:]) == sorted(others)


def test_moves_and_removals_at_the_same_time_keep_every_task_in_one_place(store: Store, sample: Sample) -> None:
    tasks = sample.tasks[1:]

    def work(index: int) -> None:
        chance = random.Random(index)
        sides: list[Side] = ["insert_before", "insert_after"]
        for _ in range(25):
            task, side = chance.choice(tasks), chance.choice(sides)
            if chance.random() < 0.2:
                with store.transaction(write=True) as db:
                    remove(db, int(sample.project), int(task))
                put(store, sample.project, task)
            else:
                put(store, sample.project, task, side, chance.choice([None, sample.tasks[0]]))

    at_once(work)
    assert sorted(order(store, sample.project)) == sorted(sample.tasks)


@pytest.mark.parametrize(
    ("moved", "side", "anchor", "expected"),
    [
        pytest.param(3, "insert_after", 0, [0, 3, 1, 2], id="after the first"),
        pytest.param(3, "insert_before", 1, [0, 3, 1, 2], id="before the second"),
        pytest.param(0, "insert_after", 3, [1, 2, 3, 0], id="after the last"),
        pytest.param(3, "insert_before", 0, [3, 0, 1, 2], id="before the first"),
        pytest.param(2, "insert_after", None, [2, 0, 1, 3], id="after nothing is the head"),
        pytest.param(1, "insert_before", None, [0, 2, 3, 1], id="before nothing is the end"),
        pytest.param(1, "insert_after", 0, [0, 1, 2, 3], id="where it is already"),
    ],
)
def test_a_task_moves_to_where_its_neighbour_says(
    store: Store, sample: Sample, moved: int, side: Side, anchor: int | None, expected: list[int]
) -> None:
    tasks = sample.tasks[:4]
    for task in tasks:
        put(store, sample.backlog, task)
    put(store, sample.backlog, tasks[moved], side, None if anchor is None else tasks[anchor])
    assert order(store, sample.backlog) == [tasks[index] for index in expected]


@pytest.mark.parametrize("anchor", [pytest.param(0, id="itself"), pytest.param(5, id="a task of another project")])
def test_a_neighbour_outside_of_the_project_is_refused_and_nothing_moves(
    store: Store, sample: Sample, anchor: int
) -> None:
    for task in sample.tasks[:3]:
        put(store, sample.backlog, task)
    with pytest.raises(Refusal, match="insert_after: Not another task of this project"):
        put(store, sample.backlog, sample.tasks[0], "insert_after", sample.tasks[anchor])
    assert order(store, sample.backlog) == list(sample.tasks[:3])


def test_the_schema_itself_refuses_two_tasks_in_one_place(store: Store, sample: Sample) -> None:
    put(store, sample.backlog, sample.tasks[0])
    with pytest.raises(sqlite3.IntegrityError), store.transaction(write=True) as db:
        db.execute("INSERT INTO placements VALUES (?, ?, 0)", (int(sample.backlog), int(sample.tasks[1])))


def test_a_token_is_kept_as_a_digest_and_stands_for_an_active_user(store: Store, sample: Sample) -> None:
    assert store.user_of(sample.token) == int(sample.people[0])
    assert store.user_of("demo-unknown") is None
    with store.transaction(write=True) as db:
        assert sample.token not in [row["digest"] for row in db.execute("SELECT digest FROM tokens")]
        db.execute("UPDATE users SET active = 0")
    assert store.user_of(sample.token) is None


def test_filling_a_file_again_finds_what_is_there_already(tmp_path: Path) -> None:
    path = str(tmp_path / "board.sqlite3")
    with Store(path) as store:
        first = fill(store)
    with Store(path) as store:
        again = fill(store)
        assert store.user_of(first.token) == store.user_of(again.token)
    assert (again.people, again.tasks, again.project) == (first.people, first.tasks, first.project)


def test_two_stores_on_one_file_see_what_the_other_wrote(tmp_path: Path) -> None:
    path = str(tmp_path / "board.sqlite3")
    with Store(path) as one, Store(path) as other:
        token = fill(one).token
        assert other.user_of(token) is not None


def test_the_database_of_another_program_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite3"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(NotATaskboard, match="another program"):
        Store(str(path))
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.txt"
    path.write_text("Dear reader, " * 100)
    with pytest.raises(NotATaskboard, match=r"letter\.txt"):
        Store(str(path))
    assert path.read_text() == "Dear reader, " * 100


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotATaskboard, match="can't be opened"):
        Store(str(tmp_path / "missing" / "board.sqlite3"))
