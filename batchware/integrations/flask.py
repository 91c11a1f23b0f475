"""Flask: the batch route as an extension.

    batch = Batch(authorize=require_header("authorization"))
    batch.init_app(app)

The options are those of `BatchMiddleware`: given here, and over them those of `app.config["BATCHWARE"]` (names in any
case), so that each configuration of an application may have its own. `app.extensions["batchware"]` is the middleware
of an application. Whatever wraps `app.wsgi_app` later stands outside of it, which is right for `ProxyFix`.

An application context that is open where a batch is sent (`with app.app_context(): client.post("/batch")`, as tests do)
is not given to the actions: each has one of its own, and so its own `g` and its own database session, in whichever
thread it runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Unpack, cast

from flask import Flask, has_app_context

from ..config import BatchConfig, BatchOptions, known
from ..contract.hooks import BatchHooks
from ..contract.model import Action, Parent
from ..wsgi import BatchMiddleware
from .host_limiter import check_together

__all__ = ["Batch"]

NAME = "batchware"
CONFIG = "BATCHWARE"


class Batch:
    """The extension: `Batch(app, **options)`, or `Batch(**options)` and `init_app` for each application."""

    def __init__(self, app: Flask | None = None, **options: Unpack[BatchOptions]) -> None:
        known(options)
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Put the batch route in front of `app`.

        Raises `TypeError` or `ValueError` for a wrong option, `RuntimeError` where `app` has a batch route already.
        """
        if NAME in app.extensions:
            raise RuntimeError("this application has a batch route already; call init_app once")
        over = _from(app)
        check_together(self._options, over)
        options: dict[str, Any] = {**self._options, **over}
        options["hooks"] = [_Apart(app), *options.get("hooks", ())]
        middleware = BatchMiddleware(app.wsgi_app, config=BatchConfig(**options))
        app.extensions[NAME] = middleware
        app.wsgi_app = middleware  # type: ignore[method-assign]  # Flask's own way of wrapping an application


def _from(app: Flask) -> dict[str, Any]:
    options: Any = cast("Any", app.config).get(CONFIG, {})
    if not isinstance(options, Mapping):
        raise TypeError(f'app.config["{CONFIG}"] must be a dict of options, not {options!r}')
    return {name.lower(): value for name, value in known(cast("Mapping[str, Any]", options)).items()}


class _Apart(BatchHooks):
    """Gives each action an application context of its own where one is open around the batch."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def around_action(self, action: Action, parent: Parent) -> AbstractContextManager[Any]:
        return self._app.app_context() if has_app_context() else nullcontext()
