"""The taskboard on Flask: the routing table as URL rules."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, request
from werkzeug.datastructures import Headers
from werkzeug.exceptions import MethodNotAllowed, NotFound

from batchware.wsgi import BatchMiddleware

from . import exchange, pages
from .api import BATCH, RESOURCES, Board, Resource


def create_app(board: Board, **options: Any) -> Flask:
    """The taskboard with its batch endpoint. `options` are further options of batchware."""
    app = create_host(board)
    batched = BatchMiddleware(app.wsgi_app, path=BATCH, authorize=board.authorize, **options)
    app.wsgi_app = batched  # type: ignore[method-assign]  # Flask's own way to wrap
    return app


def create_host(board: Board) -> Flask:
    """The taskboard as it would be without batchware."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False

    def view(resource: Resource) -> Any:
        def serve(**params: str) -> Response:
            return _response(board.answer(_received(params), resource))

        return serve

    def page(path: str) -> Any:
        return lambda: _response(board.page(_received({}), path))

    @app.errorhandler(404)
    def no_route(error: NotFound) -> Response:
        return _response(board.no_route(_received({})))

    @app.errorhandler(405)
    def no_method(error: MethodNotAllowed) -> Response:
        return _response(board.no_method(_received({}), error.valid_methods or ()))

    for resource in RESOURCES:
        app.add_url_rule(
            exchange.BASE + resource.path.replace("{gid}", "<gid>"),
            endpoint=resource.name,
            view_func=view(resource),
            methods=resource.methods,
            provide_automatic_options=False,
        )
    for path in pages.PATHS:
        app.add_url_rule(path, endpoint=path.replace(".", "-"), view_func=page(path), provide_automatic_options=False)
    return app


def _received(params: dict[str, str]) -> exchange.Request:
    form = _form() if exchange.is_form(request.content_type) else None
    return exchange.Request(
        method=request.method,
        origin=f"{request.scheme}://{request.headers.get('host', '')}",
        mount=request.root_path,
        query_string=request.query_string.decode("latin-1"),
        authorization=request.headers.get("authorization"),
        idempotency_key=request.headers.get("idempotency-key"),
        if_none_match=request.headers.get("if-none-match"),
        body=request.get_data() if form is None else b"",
        form=form,
        params=params,
    )


def _form() -> exchange.Form:
    file = dict(request.files.items(multi=True)).get("file")
    upload = exchange.Upload.received(file.filename, file.content_type, file.read()) if file else None
    return exchange.Form(dict(request.form.items(multi=True)), upload)


def _response(answer: exchange.Answer) -> Response:
    response = Response(answer.body, answer.status)
    response.headers = Headers(answer.headers)
    return response
