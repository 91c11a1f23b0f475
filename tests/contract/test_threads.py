"""The helper threads of the WSGI door (C18, C26, C42): shared by all batches, bounded, gone when idle, safe to fork."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from batchware.replay.calls import CallReplay
from batchware.replay.threads import Helpers
from tests.contract.batching import BatchAnswer, action, host_named, post_batch, wrap
from tests.contract.small_apps import door, eventually, started
from tests.hosts import Host, probe
from tests.hosts.gates import Signal

HOST = host_named("wsgi")


class _Threads:
    """A host that keeps the threads that its actions ran in."""

    def __init__(self) -> None:
        self.ran: list[int] = []
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()
        self.host: Host = door("wsgi", self._app)

    def _app(self, environ: Any, start_response: Any) -> Any:
        with self._lock:
            self.ran.append(threading.get_ident())
            self._now += 1
            self.most = max(self.most, self._now)
        try:
            return started(start_response)
        finally:
            with self._lock:
                self._now -= 1


def _helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "batchware-helper"]


@pytest.fixture(autouse=True)
def no_helpers() -> None:
    assert eventually(lambda: not _helpers()), "of a test before"


def test_without_threads_actions_run_one_by_one_in_the_calling_thread() -> None:
    threads = _Threads()
    app = wrap(threads.host, threads=0)
    assert post_batch(app, threads.host, [action(f"/{index}") for index in range(10)]).statuses == [200] * 10
    assert threads.ran == [threading.get_ident()] * 10
    assert threads.most == 1
    assert _helpers() == []


def test_one_action_needs_no_thread() -> None:
    threads = _Threads()
    assert post_batch(wrap(threads.host), threads.host, [action()]).statuses == [200]
    assert threads.ran == [threading.get_ident()]
    assert _helpers() == []


@pytest.mark.parametrize("timeout", [None, 60.0], ids=["no time-out", "a time-out"])
def test_forty_batches_at_once_share_sixteen_threads(timeout: float | None) -> None:
    app = wrap(HOST, threads=16, max_pending=400, action_timeout=timeout)
    # With a time-out the calling threads only wait; without one, each runs actions of its own batch.
    meet = [] if timeout else [action("/gate/all", data={"n": 40})]
    actions = [*meet, *(action(f"/tasks/{index}") for index in range(9))]
    most: list[int] = []

    def post(number: int) -> BatchAnswer:
        answer = post_batch(app, HOST, actions)
        most.append(len(_helpers()))
        return answer

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(post, range(40)))
    assert all(answer.statuses == [200] * len(actions) for answer in answers)
    assert max(most) <= 16


def test_batches_that_fill_the_pool_go_on_by_themselves() -> None:
    let_go = Signal()
    entered: list[str] = []

    def app(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/wait":
            entered.append("wait")
            let_go.wait()
        return started(start_response)

    host = door("wsgi", app)
    wrapped = wrap(host, threads=1)
    waiting = threading.Thread(target=post_batch, args=(wrapped, host, [action("/wait")] * 2))
    waiting.start()
    assert eventually(lambda: len(entered) == 2), "the only helper, and the thread that called"
    try:
        assert post_batch(wrapped, host, [action("/x")] * 5).statuses == [200] * 5
    finally:
        let_go.set()
        waiting.join()


def test_threads_end_when_idle() -> None:
    app = wrap(HOST)
    assert post_batch(app, HOST, [action("/gate/all", data={"n": 5})] * 5).statuses == [200] * 5
    assert _helpers()
    assert all(thread.daemon for thread in _helpers())
    assert eventually(lambda: not _helpers())
    assert post_batch(app, HOST, [action("/gate/all", data={"n": 5})] * 5).statuses == [200] * 5, "made anew"


def test_close_ends_the_threads_and_later_batches_run_in_the_calling_thread() -> None:
    threads = _Threads()
    app = wrap(threads.host)
    post_batch(app, threads.host, [action()] * 10)
    app.close()
    assert eventually(lambda: not _helpers())
    threads.ran.clear()
    assert post_batch(app, threads.host, [action()] * 10).statuses == [200] * 10
    assert set(threads.ran) == {threading.get_ident()}
    assert _helpers() == []


@pytest.mark.parametrize("timeout", [None, 60.0], ids=["no time-out", "a time-out"])
def test_close_does_not_cut_a_batch_that_is_under_way(timeout: float | None) -> None:
    app = wrap(HOST, threads=2, action_timeout=timeout)
    answers: list[BatchAnswer] = []
    actions = [action("/gate/held", data={"n": 3})] * 2 + [action()] * 6
    batch = threading.Thread(target=lambda: answers.append(post_batch(app, HOST, actions)))
    batch.start()
    assert eventually(lambda: probe.gates.waiting("held") == 2)
    app.close()
    probe.gates.arrive("held", 3)
    batch.join()
    assert answers[0].statuses == [200] * 8
    assert eventually(lambda: not _helpers())


def test_close_can_be_called_twice_and_before_anything() -> None:
    app = wrap(HOST)
    app.close()
    app.close()
    assert post_batch(app, HOST, [action()] * 3).statuses == [200] * 3


def test_a_process_that_can_have_no_more_threads_runs_them_in_the_calling_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def start(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    threads = _Threads()
    app = wrap(threads.host)
    monkeypatch.setattr(threading.Thread, "start", start)
    assert post_batch(app, threads.host, [action()] * 5).statuses == [200] * 5
    assert set(threads.ran) == {threading.get_ident()}


class _Held:
    """Work that keeps whoever helps."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def help(self) -> None:
        self.let_go.wait(10)


def test_helpers_are_bounded() -> None:
    helpers, work = Helpers(3), _Held()
    assert [helpers.offer(work) for _ in range(8)] == [True] * 8
    assert (helpers.count, len(_helpers())) == (3, 3)
    work.let_go.set()
    assert eventually(lambda: helpers.count == 0)
    assert Helpers(0).offer(work) is False


def test_helpers_that_are_closed_are_counted_no_more() -> None:
    helpers, work = Helpers(3), _Held()
    for _ in range(3):
        helpers.offer(work)
    helpers.close()
    assert (helpers.count, helpers.offer(work)) == (3, False)
    work.let_go.set()
    assert eventually(lambda: not _helpers())
    assert helpers.count == 0


class _Idle(Helpers):
    """Takes what it is offered, and does nothing."""

    def __init__(self) -> None:
        super().__init__(1)
        self.offered: list[Any] = []

    def offer(self, work: Any) -> bool:
        self.offered.append(work)
        return True


@pytest.mark.parametrize("path", ["/tasks/1", "/raise"], ids=["which land", "which fail"])
@pytest.mark.parametrize(("parallel", "times"), [(None, 1), (2, 2), (1, 3)])
def test_helpers_are_offered_a_batch_whenever_actions_can_start(path: str, parallel: int | None, times: int) -> None:
    app = wrap(HOST, parallel=parallel)
    app._helpers = helpers = _Idle()
    assert len(post_batch(app, HOST, [action(path)] * 3).results) == 3
    assert len(helpers.offered) == times
    assert [type(work) for work in set(helpers.offered)] == [CallReplay], "the one batch"


_FORKING = """
import os, sys, threading
from batchware.wsgi import BatchMiddleware
from tests.contract.batching import action, host_named, post_batch
from tests.hosts import probe

host = host_named("wsgi")
app = BatchMiddleware(host.make(), max_pending=10)
meet = [action("/gate/all", data={"n": 5})] * 5

def check():
    assert post_batch(app, host, meet).statuses == [200] * 5
    assert post_batch(app, host, [action()] * 10).statuses == [200] * 10

check()
if sys.argv[1] == "in flight":
    held = [action("/gate/held", data={"n": 9})] * 8
    threading.Thread(target=post_batch, args=(app, host, held), daemon=True).start()
    while probe.gates.waiting("held") < 8:
        pass
child = os.fork()
if child == 0:
    probe.gates.__init__()
    try:
        check()
    except BaseException:
        import traceback
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
if sys.argv[1] == "in flight":
    probe.gates.arrive("held", 9)
else:
    check()
sys.exit(status)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("when", ["idle", "in flight"])
def test_a_forked_process_has_threads_and_places_of_its_own(when: str) -> None:
    root = Path(__file__).parents[2]
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", _FORKING, when]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
