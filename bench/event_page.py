"""The event page against a bare Flask view that returns the same bytes: at least half as many a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, Response
from werkzeug.test import EnvironBuilder

ROUNDS = 30
REQUESTS = 200
WANTED = 0.5

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def compare(app: Flask, path: str) -> float:
    """Return requests a second of `path` in `app`, divided by those of a bare view with the same bytes.

    Both are asked in turns in this process, so that what else the machine does slows both alike.
    """
    body = b"".join(_ask(app.wsgi_app, _environ(path)))
    bare = bare_app(body).wsgi_app
    ours, theirs = 0.0, 0.0
    for _round in range(ROUNDS):
        theirs += _seconds(bare, path)
        ours += _seconds(app.wsgi_app, path)
    return theirs / ours


def bare_app(body: bytes) -> Flask:
    """Return an application with nothing but one view that answers `body` at every event's address."""
    app = Flask("bare", static_folder=None)

    @app.get("/events/<event_slug>/")
    def page(event_slug: str) -> Response:
        return Response(body, mimetype="text/html", headers={"Content-Encoding": "gzip"})

    return app


def _environ(path: str) -> dict[str, Any]:
    headers = {"Accept-Encoding": "gzip, deflate", "User-Agent": "bench"}
    return EnvironBuilder(path, headers=headers).get_environ()


def _seconds(app: WsgiApp, path: str) -> float:
    environ = _environ(path)
    begin = time.perf_counter()
    for _request in range(REQUESTS):
        _ask(app, dict(environ))
    return time.perf_counter() - begin


def _ask(app: WsgiApp, environ: dict[str, Any]) -> list[bytes]:
    statuses: list[str] = []
    answer = app(environ, lambda status, headers, exc_info=None: statuses.append(status))
    body = list(answer)
    getattr(answer, "close", lambda: None)()
    assert statuses == ["200 OK"], statuses
    return body
