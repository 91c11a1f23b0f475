"""Swagger UI, as FastAPI serves it, sends a batch: its example as it stands, with the credentials of its dialogue."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from batchware import openapi, require_header
from batchware.asgi import BatchMiddleware
from tests.browser.conftest import Serve
from tests.integrations.needs import require


def _app() -> FastAPI:
    app = FastAPI(title="Tasks")
    bearer = HTTPBearer()

    @app.get("/tasks")
    def tasks(token: Any = Depends(bearer)) -> Any:  # noqa: B008  # FastAPI's own way
        return [{"gid": "1", "seen by": token.credentials}]

    @app.get("/tasks/{gid}")
    def task(gid: int) -> Any:
        return {"gid": gid, "name": "Write"}

    app.add_middleware(BatchMiddleware, style="plain", authorize=require_header("authorization"))
    openapi.extend(app)
    return app


def _swagger(page: Any) -> None:
    """What Swagger UI is made of comes from a package, not from a network."""
    require("drf_spectacular_sidecar")
    folder = files("drf_spectacular_sidecar") / "static/drf_spectacular_sidecar/swagger-ui-dist"

    def answer(route: Any) -> None:
        file = folder / route.request.url.rpartition("/")[2]
        route.fulfill(body=file.read_bytes()) if file.is_file() else route.fulfill(status=200, body=b"")

    page.route(lambda url: not url.startswith("http://127.0.0.1"), answer)


def test_swagger_ui_sends_the_example(page: Any, serve: Serve) -> None:
    page.set_viewport_size({"width": 1280, "height": 1800})
    _swagger(page)
    with serve(_app(), "asgi") as origin:
        page.goto(f"{origin}/docs")
        page.locator("button.authorize").first.click()
        page.locator(".auth-container input").first.fill("ann")
        page.locator(".auth-btn-wrapper button.authorize").first.click()
        page.locator(".auth-btn-wrapper button.btn-done").first.click()
        batch = page.locator("#operations-batch-batch")
        batch.locator(".opblock-summary-control").click()
        batch.locator("button.try-out__btn").click()
        batch.locator("button.execute").click()
        live = batch.locator(".live-responses-table")
        live.wait_for()
        assert live.locator(".response-col_status").last.inner_text().startswith("200")
        shown = live.locator(".response-col_description").last.inner_text()
        assert '"seen by": "ann"' in shown
        assert '"name": "Write"' in shown
    assert page.console == []
