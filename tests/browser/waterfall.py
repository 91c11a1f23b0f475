"""`python -m tests.browser.waterfall`: forty resources in three ways, in Chromium, over a connection of 100 ms.

Starts the example, opens its page, presses the button some times and prints the medians of what the page has measured,
and the bytes on the wire, headers and all, as the browser's own tools count them. Exit status 0 if batched takes at
most a quarter of the time of the browser's own parallel requests on every face that was asked for, else 1.

`--pictures FOLDER` also takes the two pictures of the README.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import expect, sync_playwright

from tests.browser.conftest import chromium
from tests.browser.taskboard import Taskboard, opened, serving_board
from tests.examples.boards import BASE, FACES

ROOT = Path(__file__).parents[2]
WAYS = {"One by one": 40, "In parallel": 40, "Batched": 4}
AT_MOST = 1 / 4
PLENTY = "100000/50/15"  # the requests of many rounds; what may be in flight stays as it is
WIDTH = 1440


@contextmanager
def example(host: str) -> Iterator[str]:
    """The origin of the example, run by the command of the README: a process of its own shares no lock with this."""
    line = [sys.executable, "-m", "examples.taskboard", "--port", "0", "--host", host, "--limits", PLENTY]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            origin = process.stdout.readline().split()[-1]
            if not any(text.startswith("Serving on") for text in iter(process.stdout.readline, "")):
                raise SystemExit(f"waterfall: the example did not start on {host}")
            yield origin
        finally:
            process.terminate()


def run(page: Any) -> dict[str, tuple[float, int]]:
    """One round: milliseconds and requests of each way, as the page shows them."""
    verdict = page.locator("#verdict")
    page.locator("#run").click()
    expect(verdict).to_contain_text("Loading")
    expect(verdict).to_contain_text("resources: one by one", timeout=120_000)
    found = {}
    for figure in page.locator(".way").all():
        number, unit = figure.locator(".time").inner_text().split()
        name, requests = figure.locator("h3").inner_text(), figure.locator(".requests").inner_text()
        found[name] = (float(number) * (1000 if unit == "s" else 1), int(requests))
    return found


def measure(browser: Any, host: str, rounds: int) -> float:
    """Prints the medians of a face; returns the ratio of batched to parallel."""
    times: dict[str, list[float]] = defaultdict(list)
    requests: dict[str, int] = {}
    with example(host) as origin, closing(browser.new_page()) as page:
        page.goto(origin)
        page.locator(".task").first.wait_for()
        run(page)  # the first time everything is new to everybody
        for _ in range(rounds):
            for name, (milliseconds, count) in run(page).items():
                times[name].append(milliseconds)
                requests[name] = count
    assert requests == WAYS, requests
    print(f"\n{host}: 40 resources, 100 ms a request, median and fastest of {rounds} rounds")
    for name, values in times.items():
        print(f"  {name:12} {requests[name]:3} requests {median(values):7.0f} ms {min(values):7.0f} ms")
    ratio, best = (of(times["Batched"]) / of(times["In parallel"]) for of in (median, min))
    print(f"  batched to parallel       {ratio:7.2f}    {best:7.2f}", flush=True)
    return ratio


def weigh(browser: Any) -> None:
    """Prints the bytes on the wire of each way, which differ between the faces by a header or two."""
    with example("starlette") as origin, closing(browser.new_page()) as page:
        asked: dict[str, dict[str, Any]] = {}
        headers: dict[str, dict[str, str]] = {}
        received: dict[str, float] = {}
        tools = page.context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]}))
        tools.on(
            "Network.requestWillBeSentExtraInfo", lambda event: headers.update({event["requestId"]: event["headers"]})
        )
        tools.on(
            "Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]})
        )
        page.goto(origin)
        page.locator(".task").first.wait_for()
        run(page)
        page.wait_for_timeout(500)  # for the last of these events

    def sent(name: str) -> int:
        request = asked[name]
        lines = [f"{request['method']} /{request['url'].split('/', 3)[3]} HTTP/1.1"]
        lines += [f"{field}: {value}" for field, value in headers[name].items()]
        return len("\r\n".join([*lines, "", ""]).encode()) + len(request.get("postData", "").encode())

    names = [name for name, request in asked.items() if BASE in request["url"]][-sum(WAYS.values()) :]
    print("\nBytes on the wire, headers and all (starlette)")
    for way, count in WAYS.items():
        part, names = names[:count], names[count:]
        there, back = sum(map(sent, part)), int(sum(received[name] for name in part))
        print(f"  {way:12} {there:7,} sent   {back:7,} received", flush=True)


def take_pictures(browser: Any, folder: Path) -> None:
    """The board in use, and the waterfalls, in light and 1,440 pixels wide."""
    folder.mkdir(parents=True, exist_ok=True)
    size = {"width": WIDTH, "height": 850}
    with serving_board("starlette") as board:
        _use(board)
        with opened(browser, board, slow=True, viewport=size, color_scheme="light") as screen:
            page = screen.page
            screen.column().get_by_role("checkbox").nth(4).check()
            screen.grip(screen.shown()[5]).press("ArrowDown")
            page.evaluate("document.activeElement.blur()")
            page.mouse.move(0, 0)
            screen.wait_sent(3)
            page.screenshot(path=folder / "board.png")
    with example("starlette") as origin, closing(browser.new_page(viewport=size, color_scheme="light")) as page:
        page.goto(origin)
        page.locator(".task").first.wait_for()
        run(page)
        run(page)
        page.evaluate("document.querySelector('.top').style.position = 'static'")
        box = page.locator("#race").bounding_box()
        top = box["y"] + page.evaluate("scrollY") + 1
        clip = {"x": 0, "y": top, "width": WIDTH, "height": box["height"] + 40}
        page.screenshot(path=folder / "waterfalls.png", clip=clip, full_page=True)
    for picture in sorted(folder.glob("*.png")):
        print(f"{picture}: {picture.stat().st_size / 1000:.0f} kB")


def _use(board: Taskboard) -> None:
    """A board that somebody has worked with."""
    sample = board.sample
    for task in sample.tasks[:3]:
        board.call("PUT", f"/tasks/{task}", {"completed": True})
    for user in sample.people[1:5]:
        board.call("POST", f"/teams/{sample.team}/addUser", {"user": user})
    more = ("Find a sponsor for the badges", "Ask for a larger hall", "Translate the programme", "Buy a bell")
    for name, user in zip(more, sample.people[2:], strict=True):
        board.call("POST", "/tasks", {"name": name, "projects": [sample.backlog], "assignee": user})


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.waterfall", description=__doc__.split("\n")[0])
    parser.add_argument("--host", choices=FACES, action="append", help="a face (default: all three)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default: 5)")
    parser.add_argument("--pictures", type=Path, metavar="FOLDER", help="take the pictures, too")
    options = parser.parse_args()
    program = chromium()
    if program is None:
        print("waterfall: Chromium is not installed", file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        ratios = [measure(browser, host, options.rounds) for host in options.host or FACES]
        weigh(browser)
        if options.pictures:
            take_pictures(browser, options.pictures)
        browser.close()
    return 0 if max(ratios) <= AT_MOST else 1


if __name__ == "__main__":
    sys.exit(main())
