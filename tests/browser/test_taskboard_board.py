"""The board of the taskboard's page, with a mouse and with keys alone, on each face: what is seen is what is saved."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.taskboard import BATCH, Screen, Taskboard, opened, serving_board
from tests.examples.boards import FACES
from tests.servers.running import wait_for

FIFTY = [f"Step {number} of fifty" for number in range(1, 51)]


@pytest.fixture(params=FACES)
def board(request: pytest.FixtureRequest) -> Iterator[Taskboard]:
    with serving_board(request.param) as made:
        yield made


@pytest.fixture
def screen(browser: Any, board: Taskboard) -> Iterator[Screen]:
    with opened(browser, board) as made:
        yield made
        assert made.said == []


def _paste(screen: Screen, column: str, lines: list[str]) -> None:
    screen.column(column).get_by_role("button", name=f"Add tasks to {column}").click()
    screen.page.get_by_label("One task a line").fill("\n".join(lines))
    screen.page.get_by_role("button", name=f"Add {len(lines)} task").click()
    screen.page.get_by_role("dialog").wait_for(state="hidden")


def test_the_whole_board_comes_in_two_batches(screen: Screen) -> None:
    assert [request.url.endswith(BATCH) for request in screen.sent] == [True, True]
    assert len(screen.actions()) == 5
    assert screen.shown() == screen.board.names()
    assert screen.shown("Backlog") == []
    people = screen.page.locator("#people li").all_inner_texts()
    assert [text.split("\n")[1] for text in people][:2] == ["Ada Okafor", "Ben Lindqvist"]
    expect(screen.page.locator("#teams")).to_contain_text("Conference team")


def test_fifty_lines_are_pasted_in_their_order_in_13_requests(screen: Screen) -> None:
    before, sent = screen.board.names(), len(screen.sent)
    _paste(screen, "Conference", FIFTY)
    assert len(screen.sent) - sent == 13
    assert screen.board.names() == [*before, *FIFTY] == screen.shown()
    expect(screen.page.locator("#told")).to_have_text("50 tasks added to Conference")
    _paste(screen, "Backlog", ["Only one"])
    assert screen.board.names(screen.board.sample.backlog) == ["Only one"] == screen.shown("Backlog")


def test_quick_ticks_and_everything_else_that_fits_go_out_as_one_batch(screen: Screen) -> None:
    sent = len(screen.sent)
    boxes = screen.column().get_by_role("checkbox")
    screen.page.evaluate("document.querySelectorAll('.task input').forEach((box, i) => i < 5 && box.click())")
    screen.wait_sent(sent + 1)
    assert [action["method"] for action in screen.actions(sent)] == ["put"] * 5
    expect(boxes.nth(4)).to_be_checked()
    done = screen.board.call("GET", "/tasks?completed=true")
    assert [task["name"] for task in done] == screen.shown()[:5]
    screen.column().get_by_role("button", name="Delete the done").click()
    screen.wait_sent(sent + 2)
    assert len(screen.actions(sent)) == 10
    assert len(screen.shown()) == 7
    assert screen.shown() == screen.board.names()
    screen.page.get_by_role("button", name="Add the other 5").click()
    expect(screen.page.locator("#teams")).to_contain_text("Ada, Ben, Chandra, Dina, Emil, Fay")
    assert len(screen.sent) == sent + 3


def _drag(screen: Screen, task: str, onto: Any, *, after: bool) -> None:
    mouse, target = screen.page.mouse, onto.bounding_box()
    screen.grip(task).hover()
    mouse.down()
    mouse.move(target["x"] + 20, target["y"] + target["height"] / 2, steps=5)
    mouse.move(target["x"] + 20, target["y"] + target["height"] * (0.9 if after else 0.1), steps=3)
    mouse.up()


def test_a_mouse_drags_a_task_to_another_place_and_into_another_project(screen: Screen) -> None:
    first, second, third, *others = screen.shown()
    tasks = screen.column().get_by_role("listitem")
    _drag(screen, first, tasks.nth(2), after=True)
    assert screen.shown() == [second, third, first, *others]
    expect(screen.page.locator("#told")).to_have_text(f"{first}: 3 of 12 in Conference")
    sent = len(screen.sent)
    _drag(screen, second, screen.column("Backlog").get_by_role("list"), after=False)
    assert (screen.shown(), screen.shown("Backlog")) == ([third, first, *others], [second])
    expect(screen.grip(second, "Backlog")).to_be_focused()
    wait_for("both moves are saved", lambda: screen.board.names() == screen.shown())
    wait_for("both moves are saved", lambda: screen.board.names(screen.board.sample.backlog) == [second])
    assert len(screen.sent) - sent <= 2


def test_escape_puts_a_dragged_task_back(screen: Screen) -> None:
    before = screen.shown()
    screen.grip(before[0]).hover()
    screen.page.mouse.down()
    target = screen.column().get_by_role("listitem").nth(4).bounding_box()
    screen.page.mouse.move(target["x"] + 20, target["y"] + 20, steps=5)
    assert screen.shown() != before
    screen.page.keyboard.press("Escape")
    screen.page.mouse.up()
    assert screen.shown() == before
    assert len(screen.sent) == 2


def test_keys_alone_are_enough(screen: Screen) -> None:
    keys, told = screen.page.keyboard, screen.page.locator("#told")
    first, second, third, *others = screen.shown()
    keys.press("Tab")
    expect(screen.page.get_by_role("link", name="Skip to the board")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(screen.grip(first)).to_be_focused()
    keys.press("ArrowDown")
    expect(told).to_have_text(f"{first}: 2 of 12 in Conference")
    keys.press("ArrowDown")
    expect(screen.grip(first)).to_be_focused()
    assert screen.shown() == [second, third, first, *others]
    keys.press("ArrowRight")
    expect(told).to_have_text(f"{first}: 1 of 1 in Backlog")
    expect(screen.grip(first, "Backlog")).to_be_focused()
    keys.press("Enter")
    expect(screen.page.get_by_role("button", name="Up", exact=True)).to_be_focused()
    keys.press("ArrowUp")
    expect(screen.page.get_by_role("button", name="Delete", exact=True)).to_be_focused()
    keys.press("ArrowUp")
    expect(screen.page.get_by_role("button", name="To Conference", exact=True)).to_be_focused()
    keys.press("Enter")
    expect(told).to_have_text(f"{first}: 1 of 12 in Conference")
    expect(screen.grip(first)).to_be_focused()
    keys.press("End")
    expect(told).to_have_text(f"{first}: 12 of 12 in Conference")
    keys.press("Tab")
    keys.press("Space")
    wait_for("all of it is saved", lambda: screen.board.names() == [second, third, *others, first])
    wait_for("the tick too", lambda: len(screen.board.call("GET", "/tasks?completed=true")) == 1)
    keys.press("Tab")
    expect(screen.page.get_by_role("button", name="Add tasks to Conference")).to_be_focused()
    keys.press("Enter")
    keys.insert_text("One\nTwo")
    keys.press("Control+Enter")
    screen.page.get_by_role("dialog").wait_for(state="hidden")
    expect(screen.page.get_by_role("button", name="Add tasks to Conference")).to_be_focused()
    assert screen.board.names()[-2:] == ["One", "Two"]


def _lossy(screen: Screen, lose: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """From now on actions for which `lose` is true are not done, and their results are 500; returns these actions."""
    lost: list[dict[str, Any]] = []
    broken = {"status_code": 500, "headers": {}, "body": {"errors": [{"message": "Lost"}]}}

    def answer(route: Any) -> None:
        actions = route.request.post_data_json["data"]["actions"]
        gone = [lose(action) for action in actions]
        kept = [action for action, away in zip(actions, gone, strict=True) if not away]
        lost.extend(action for action, away in zip(actions, gone, strict=True) if away)
        body = json.dumps({"data": {"actions": kept}})
        results = iter(route.fetch(post_data=body).json()["data"] if kept else [])
        data = [broken if away else next(results) for away in gone]
        route.fulfill(status=200, content_type="application/json", body=json.dumps({"data": data}))

    screen.page.route(f"**{BATCH}", answer)
    return lost


def test_placements_that_fail_are_tried_again_and_nothing_is_there_twice(screen: Screen) -> None:
    chance, before = random.Random(7), screen.board.names()
    lost = _lossy(screen, lambda action: action["relative_path"].endswith("addProject") and chance.random() < 0.1)
    _paste(screen, "Conference", FIFTY)
    assert len(lost) > 2
    assert screen.board.names() == [*before, *FIFTY] == screen.shown()


@pytest.mark.parametrize("failing", ["/tasks", "/addProject"])
def test_a_paste_that_stops_half_way_goes_on_where_it_was_or_is_taken_back(screen: Screen, failing: str) -> None:
    before = screen.board.names()
    dialog = screen.page.get_by_role("dialog")
    for ending in ("Cancel", "Try again"):
        count = itertools.count()
        _lossy(screen, lambda action: action["relative_path"].endswith(failing) and next(count) >= 4)  # noqa: B023  # called before the next turn
        screen.column().get_by_role("button", name="Add tasks to Conference").click()
        dialog.get_by_label("One task a line").fill("\n".join(FIFTY))
        dialog.get_by_role("button", name="Add 50 tasks").click()
        expect(dialog.get_by_role("alert")).to_contain_text("Lost")
        screen.page.unroute(f"**{BATCH}")
        dialog.get_by_role("button", name=ending).click()
        dialog.wait_for(state="hidden")
        after = before if ending == "Cancel" else [*before, *FIFTY]
        wait_for("the server has it", lambda: screen.board.names() == after)  # noqa: B023  # called before the next turn
        wait_for("no more and no less", lambda: len(screen.board.call("GET", "/tasks?limit=100")) == len(after))  # noqa: B023  # called before the next turn
        expect(screen.column().get_by_role("listitem")).to_have_count(len(after))
        assert screen.shown() == after


def test_what_the_server_refuses_is_said_and_the_board_is_read_again(browser: Any, board: Taskboard) -> None:
    with opened(browser, board) as screen:
        gone, *others = screen.shown()
        board.call("DELETE", f"/tasks/{board.sample.tasks[0]}")
        screen.column().get_by_role("checkbox", name=gone).click()
        trouble = screen.page.get_by_role("alert").filter(has_text="The server did not take a change")
        expect(trouble).to_contain_text("task: Unknown object")
        expect(screen.column().get_by_role("listitem")).to_have_count(11)
        assert screen.shown() == others
        trouble.get_by_role("button", name="Close").click()
        expect(trouble).to_have_count(0)
