"""An event's feed and a participant's, whole (200) and unchanged (304), against bare Flask views that answer alike."""

from __future__ import annotations

import base64
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import flask_migrate
import pytz
from flask import Flask, Response
from sqlalchemy import select
from werkzeug.test import EnvironBuilder

from config import ROOT, load_settings
from registration import create_app
from registration.domain.crowds import make_crowd
from registration.domain.event_file import import_event
from registration.domain.link_keys import LinkKind, key_for
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.links import public_url
from registration.models import Registration

NOW = datetime(2027, 3, 1, 12, tzinfo=pytz.utc)
SLUG = "dialogue-next"
CROWD = 2000
ROUNDS, REQUESTS = 31, 200
BARS = {200: 0.5, 304: 0.6}

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Environ = dict[str, Any]


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


def main() -> None:
    """Print how many answers a second there are for each bare one, for both feeds, whole and unchanged."""
    with tempfile.TemporaryDirectory() as folder:
        app = _plenary(Path(folder))
        feeds = {"event's feed": f"/events/{SLUG}/calendar.ics", "participant's feed": _participants_feed(app)}
        gc.collect()
        gc.freeze()  # as wsgi.py does
        for name, path in feeds.items():
            whole = _ask(app.wsgi_app, _environ(path))
            etag = whole.headers["ETag"]
            _compare(name, app, _environ(path))
            _compare(name, app, _environ(path, etag))


def _compare(name: str, app: Flask, environ: Environ) -> None:
    answer = _ask(app.wsgi_app, environ)
    bare = _bare(answer).wsgi_app
    assert _ask(bare, environ)[::2] == answer[::2]
    pairs = [(_time(app.wsgi_app, environ), _time(bare, environ)) for _round in range(ROUNDS)]
    micro = [1e6 * statistics.median(column) for column in zip(*pairs, strict=True)]
    ratio = statistics.median(bare_time / our_time for our_time, bare_time in pairs)
    print(f"{name}, {answer.status}, {len(answer.body):,} bytes: {micro[0]:.0f} µs, bare view: {micro[1]:.0f} µs")
    print(f"ratio {ratio:.2f} (at least {BARS[answer.status]})")


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
            import_event(text, as_slug=SLUG, shift_to="2027-05-25", now=NOW)
        with writing():
            make_crowd(event_named(SLUG), CROWD, now=NOW)
    return app


def _participants_feed(app: Flask) -> str:
    """Return the path of somebody's feed, in the middle of a crowd."""
    with app.app_context():
        somebody = db.session.execute(select(Registration).offset(CROWD // 2).limit(1)).scalar_one()
        return urlsplit(public_url("calendar.own_feed", key=key_for(somebody, LinkKind.FEED))).path


def _bare(answer: Answer) -> Flask:
    app = Flask("bare", static_folder=None)
    headers = {name: answer.headers[name] for name in ("Content-Type", "ETag") if name in answer.headers}

    @app.get("/<path:path>")
    def feed(path: str) -> Response:
        return Response(answer.body, status=answer.status, headers=headers)

    return app


def _environ(path: str, etag: str | None = None) -> Environ:
    return EnvironBuilder(path, headers={"If-None-Match": etag} if etag else {}).get_environ()


def _time(application: Application, environ: Environ) -> float:
    """Return the seconds of one request, on the average."""
    begun = time.perf_counter()
    for _request in range(REQUESTS):
        _ask(application, dict(environ))
    return (time.perf_counter() - begun) / REQUESTS


def _ask(application: Application, environ: Environ) -> Answer:
    told: list[tuple[str, list[tuple[str, str]]]] = []
    answer = application(dict(environ), lambda status, headers, _exc_info=None: told.append((status, headers)))
    body = b"".join(answer)
    getattr(answer, "close", lambda: None)()
    [(status, headers)] = told
    return Answer(int(status[:3]), dict(headers), body)


if __name__ == "__main__":
    main()
