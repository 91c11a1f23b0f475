"""What the taskboard's page measures and explains, on each face, and that it is fit for every reader and screen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.taskboard import BATCH, REFUSED, Screen, Taskboard, opened, serving_board
from tests.examples.boards import FACES
from tests.integrations.needs import require

WAYS = ("One by one", "In parallel", "Batched")
SERIOUS = {"serious", "critical"}

# In the page: every order of up to `most` tasks becomes another one, whatever order a round's placements run in.
ORDERS = """
async ([most, seed]) => {
    const { rounds, staying, requestsFor } = await import("/page/order.js")
    const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647
    const shuffled = list => list.map(item => [chance(), item]).sort(([a], [b]) => a - b).map(([, item]) => item)
    const wrong = []
    for (let size = 0; size <= most; size++) {
        const all = Array.from({length: size}, (_, i) => `t${i}`)
        const current = shuffled(all).slice(0, Math.floor(chance() * (size + 1)))
        const wanted = size % 3 ? shuffled(all) : [...current, ...all.filter(task => !current.includes(task))]
        const server = [...current]
        const touched = []
        for (const round of rounds(wanted, staying(current, wanted))) {
            const anchors = new Set(round.map(({after, before}) => after ?? before))
            if (round.some(({task}) => anchors.has(task))) wrong.push(`${size}: an anchor moves`)
            for (const {task, after, before} of shuffled(round)) {
                if (server.includes(task)) server.splice(server.indexOf(task), 1)
                const at = after ? server.indexOf(after) + 1 : before ? server.indexOf(before) : server.length
                server.splice(at, 0, task)
                touched.push(task)
            }
        }
        if (server.join() !== wanted.join()) wrong.push(`${size}: ${server} instead of ${wanted}`)
        if (new Set(touched).size !== touched.length) wrong.push(`${size}: moved twice`)
        if (size % 3 === 0 && touched.length !== size - current.length) wrong.push(`${size}: more moved than new`)
    }
    return {wrong, requests: [0, 1, 2, 10, 50, 1000].map(count => requestsFor(count))}
}
"""


@pytest.fixture(params=FACES)
def board(request: pytest.FixtureRequest) -> Iterator[Taskboard]:
    with serving_board(request.param) as made:
        yield made


@pytest.fixture
def starlette() -> Iterator[Taskboard]:
    """Where it matters what the page does, and not who serves it."""
    with serving_board("starlette") as made:
        yield made


def _race(screen: Screen) -> str:
    screen.page.get_by_role("button", name="Load them in three ways").click()
    verdict = screen.page.locator("#verdict")
    expect(verdict).to_contain_text("resources: one by one", timeout=60_000)
    text: str = verdict.inner_text()
    return text


def test_the_three_ways_load_the_same_forty_resources_and_say_what_it_took(browser: Any, board: Taskboard) -> None:
    with opened(browser, board, slow=True) as screen:
        before = len(screen.sent)
        assert "40 resources: one by one" in _race(screen)
        before += 8  # six requests and two batches to warm up
        sent = screen.sent[before:]
        assert all(request.headers["x-latency"] == "100" for request in sent)
        urls = [request.url for request in sent[:80]]
        assert len(set(urls[:40])) == 40
        assert urls[:40] == urls[40:]
        paths = [action["relative_path"].partition("?")[0] for action in screen.actions(before)]
        assert paths[:40] == paths[80:]
        assert [request.url.endswith(BATCH) for request in sent] == [False] * 80 + [True] * 4
        for name, requests in zip(WAYS, ("40", "40", "4"), strict=True):
            figure = screen.page.locator(".way").filter(has=screen.page.get_by_role("heading", name=name, exact=True))
            assert figure.locator(".requests").inner_text() == requests
            assert re.fullmatch(r"\d+ ms|\d+\.\d\d s", figure.locator(".time").inner_text())
            picture = figure.get_by_role("img", name=f"{name}: 40 resources in {requests} requests, all there after")
            expect(picture.locator(".under-way")).to_have_count(40)
            figure.get_by_text("As a table").click()
            rows = figure.get_by_role("row").all_inner_texts()[1:]
            assert len(rows) == 40
            assert len({row.split("\t")[1] for row in rows}) == int(requests)
            assert {row.split("\t")[-1] for row in rows} == {"200"}
        assert screen.said == []


def test_without_the_switch_no_request_is_slowed(browser: Any, starlette: Taskboard) -> None:
    with opened(browser, starlette) as screen:
        _race(screen)
        assert not any("x-latency" in request.headers for request in screen.sent[2:])


def test_limits_go_down_as_they_are_used_and_a_refusal_is_shown_as_it_came(browser: Any, board: Taskboard) -> None:
    with opened(browser, board) as screen:
        meter = screen.page.get_by_role("meter", name="Requests", exact=True)
        left = int(meter.get_attribute("aria-valuenow") or "")
        assert left == 1500 - 5
        screen.page.get_by_role("button", name="More than a limit allows").click()
        exchanges = screen.page.get_by_role("article")
        expect(exchanges).to_have_count(2)
        refused, passed = exchanges.all()
        expect(refused).to_contain_text("429 Rate limit enforced: this batch counts as 6 requests")
        expect(refused.locator(".answer")).to_contain_text(re.compile(r"retry-after: \d\n"))
        expect(refused.locator(".answer")).to_contain_text('"member-lists";r=')
        expect(passed).to_contain_text("200 All 6 actions ran.")
        expect(screen.page.get_by_role("meter", name="Lists of members")).to_be_visible()
        assert int(meter.get_attribute("aria-valuenow") or "") == left - 12
        screen.page.get_by_role("button", name="Eleven actions").click()
        expect(exchanges.locator(".outcome")).to_contain_text("400 A batch holds 1 to 10 actions; this one has 11.")
        screen.page.get_by_role("button", name="An upload among reads").click()
        expect(exchanges.locator(".outcome")).to_contain_text("200 The batch ran. Refused as its own result: ")
        # The browser itself writes down every answer of 4xx; nothing else may be said.
        assert [line.removeprefix(REFUSED)[:4] for line in screen.said] == [" 429", " 400"]


def test_a_limit_that_is_used_up_is_told_in_place_of_a_waterfall(browser: Any) -> None:
    with serving_board("starlette", "100/50/15") as board, opened(browser, board) as screen:
        screen.page.get_by_role("button", name="Load them in three ways").click()
        expect(screen.page.locator("#verdict")).to_contain_text("Rate limit enforced", timeout=20_000)
        expect(screen.page.get_by_role("button", name="Load them in three ways")).to_be_enabled()


def test_orders_come_out_right_however_the_actions_of_a_batch_run(browser: Any, starlette: Taskboard) -> None:
    with opened(browser, starlette) as screen:
        for seed in (1, 2, 3):
            found = screen.page.evaluate(ORDERS, [120, seed])
            assert found == {"wrong": [], "requests": [0, 1, 2, 5, 13, 205]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1440])
def test_every_state_of_the_page_is_fit_for_all_readers(
    browser: Any, starlette: Taskboard, scheme: str, width: int
) -> None:
    """axe-core finds nothing serious, nothing is wider than the screen, and the console stays empty."""
    require("axe_playwright_python")
    axe = (files("axe_playwright_python") / "axe.min.js").read_text()
    options = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme, "has_touch": width < 500}
    with opened(browser, starlette, **options) as screen:
        page = screen.page
        page.evaluate(axe)

        def look(state: str) -> None:
            violations = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
            found = [
                (rule["id"], [node["html"] for node in rule["nodes"]])
                for rule in violations
                if rule["impact"] in SERIOUS
            ]
            assert not found, state
            wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, state

        look("the board")
        screen.column().get_by_role("checkbox").first.check()
        look("a task is done")
        screen.grip(screen.shown()[1]).click()
        look("the menu of a task")
        page.keyboard.press("Escape")
        screen.column().get_by_role("button", name="Add tasks to Conference").click()
        look("the empty dialogue")
        page.get_by_label("One task a line").fill("A task\nand another one")
        look("the dialogue with lines in it")
        page.keyboard.press("Escape")
        _race(screen)
        page.get_by_text("As a table").first.click()
        look("the waterfalls")
        page.get_by_role("button", name="An upload among reads").click()
        page.get_by_role("article").wait_for()
        look("an exchange")
        assert screen.said == []


def test_a_finger_drags_a_task_by_its_handle(browser: Any, starlette: Taskboard) -> None:
    with opened(browser, starlette, viewport={"width": 390, "height": 844}, has_touch=True) as screen:
        first, second, third, *others = screen.shown()
        fingers = screen.page.context.new_cdp_session(screen.page)
        box = screen.grip(first).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        target = screen.column().get_by_role("listitem").nth(2).bounding_box()
        fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
        for step in range(1, 6):
            at = y + (target["y"] + target["height"] * 0.8 - y) * step / 5
            fingers.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": at}]})
        fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        expect(screen.page.locator("#told")).to_have_text(f"{first}: 3 of 12 in Conference")
        assert screen.shown() == [second, third, first, *others]
