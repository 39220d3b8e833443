"""The event page against a bare Flask view that returns the same bytes."""

from __future__ import annotations

import base64
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import flask_migrate
import pytz
from flask import Flask, Response
from werkzeug.test import EnvironBuilder

from config import ROOT, load_settings
from registration import create_app
from registration.domain.event_file import import_event
from registration.extensions import writing

NOW = datetime(2027, 3, 1, 12, tzinfo=pytz.utc)
PATH = "/events/dialogue-next/"
ROUNDS, REQUESTS = 31, 200
BAR = 0.5

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def main() -> None:
    """Print how many event pages a second there are for each bare one."""
    with tempfile.TemporaryDirectory() as folder:
        ours = _plenary(Path(folder)).wsgi_app
        body = _ask(ours, _environ())
        bare = _bare(body).wsgi_app
        assert _ask(bare, _environ()) == body
        pairs = [(_time(ours), _time(bare)) for _round in range(ROUNDS)]
    micro = [1e6 * statistics.median(column) for column in zip(*pairs, strict=True)]
    ratio = statistics.median(bare_time / our_time for our_time, bare_time in pairs)
    print(f"event page: {micro[0]:.0f} µs, bare view of the same {len(body):,} bytes: {micro[1]:.0f} µs")
    print(f"ratio {ratio:.2f} (at least {BAR})")


def _plenary(folder: Path) -> Flask:
    environ = {
        "PLENARY_INSTANCE": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'plenary.sqlite'}",
        "SECRET_KEY": "only-for-measuring-" * 3,
        "SEAL_KEYS": "k1:" + base64.b64encode(bytes(32)).decode(),
        "PUBLIC_URL": "http://localhost",
        "MAIL_SERVER": "127.0.0.1",
        "MAIL_DEFAULT_SENDER": "dialogue@example.org",
    }
    app = create_app(load_settings(environ), clock=lambda: NOW)
    with app.app_context():
        flask_migrate.upgrade(directory=str(ROOT / "migrations"))
        with writing():
            text = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
            import_event(text, as_slug="dialogue-next", shift_to="2027-05-25", now=NOW)
    return app


def _bare(body: bytes) -> Flask:
    app = Flask("bare", static_folder=None)

    @app.get("/events/<slug>/")
    def page(slug: str) -> Response:
        return Response(body, mimetype="text/html", headers={"Content-Encoding": "gzip"})

    return app


def _environ() -> dict[str, Any]:
    return EnvironBuilder(PATH, headers={"Accept-Encoding": "gzip, deflate, br"}).get_environ()


def _time(application: Application) -> float:
    """Return the seconds of one request, on the average."""
    environ = _environ()
    begun = time.perf_counter()
    for _request in range(REQUESTS):
        _ask(application, dict(environ))
    return (time.perf_counter() - begun) / REQUESTS


def _ask(application: Application, environ: dict[str, Any]) -> bytes:
    statuses: list[str] = []
    answer = application(environ, lambda status, _headers, _exc_info=None: statuses.append(status))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    assert statuses == ["200 OK"], statuses
    return body


if __name__ == "__main__":
    main()
