"""Finished public pages in memory, answered before Flask is asked.

A public page is a function of its address, of the data and, now and then, of the moment. It is made and packed once.
That holds while its mark (the version of the data) stays the same, and until the next instant at which it changes by
itself; both are looked at for each request.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Container, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from cachetools import LRUCache
from flask import Flask, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

from registration import clock
from registration.clock import Clock
from registration.domain.livestream import FLOOR
from registration.domain.showing import next_change
from registration.timezones import COMMON_ZONES
from registration.web.display import LANGUAGES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

SIGN = "sign"
LARGEST = 32 * 1024 * 1024
"""How many bytes of pages one process keeps."""
LONGEST = 60
"""For how many seconds browsers, and caches on the way, may keep a page."""
ARGUMENTS: dict[str, Container[str]] = {
    "lang": LANGUAGES,
    "tz": COMMON_ZONES,
    "stream": (FLOOR, SIGN, *LANGUAGES),
}
"""What may stand behind the "?" of a public page; all else is as if it were not there."""
NO_ZONE = "no zone"
"""Stands for every `?tz` that is none: their pages are one page, which says so."""
NOTHING_ASKED = (None,) * len(ARGUMENTS)

Headers = list[tuple[str, str]]
NAME = "plenary.finished_page"
NOT_KEPT = frozenset(
    {
        "cache-control",
        "content-encoding",
        "content-length",
        "content-type",
        "date",
        "etag",
        "expires",
        "last-modified",
        "set-cookie",
        "vary",
    }
)
"""Headers of one answer alone; the others that the application sets are those of the page."""


@dataclass(frozen=True, slots=True)
class FinishedPage:
    """A page as it is sent. `current` reads the mark that the page of this moment has; `until`: when it changes by
    itself, if ever."""

    plain: bytes
    packed: bytes
    etag: str
    mark: Hashable
    current: Callable[[], Hashable]
    until: datetime | None

    def holds(self, now: datetime) -> bool:
        """Whether this is still what would be made. Where the database does not answer, the application says so."""
        try:
            return (self.until is None or now < self.until) and self.current() == self.mark
        except SQLAlchemyError:
            return False


class FinishedPages:
    """A WSGI application around another, which keeps the pages that the other calls finished.

    Nothing of a request or of an answer's cookies enters into what is kept. The least used pages leave first. Safe to
    share between threads.
    """

    def __init__(self, app: WSGIApplication, tell_time: Clock, largest: int = LARGEST) -> None:
        self._app = app
        self._tell_time = tell_time
        self._kept: LRUCache[Hashable, tuple[FinishedPage, Headers]] = LRUCache(largest, getsizeof=_size)
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with a page that still holds, or as the application does."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._app(environ, start_response)
        now = self._tell_time()
        key = (environ["PATH_INFO"], *_arguments(environ.get("QUERY_STRING", "")))
        with self._lock:
            page, headers = self._kept.get(key, (None, []))
        if page is not None and page.holds(now):
            return _send(page, headers, now, environ, start_response)
        return self._make(key, now, environ, start_response)

    def _make(
        self, key: Hashable, now: datetime, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        told: Headers = []

        def start(status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Callable[[bytes], object]:
            if NAME in environ and status.startswith("200"):
                told.extend(headers)
                return lambda _written: None
            return start_response(status, headers, exc_info)

        answer = self._app(environ, start)
        if not told:
            return answer
        getattr(answer, "close", lambda: None)()
        page: FinishedPage = environ[NAME]
        fixed = [(name, value) for name, value in told if name.lower() not in NOT_KEPT]
        with self._lock:
            if _size((page, fixed)) <= self._kept.maxsize:
                self._kept[key] = page, fixed
        return _send(page, fixed, now, environ, start_response)


def init_app(app: Flask) -> None:
    """Put the kept pages in front of `app`."""
    app.wsgi_app = FinishedPages(app.wsgi_app, app.extensions["clock"])  # type: ignore[method-assign]


def finished(current: Callable[[], Hashable], make: Callable[[datetime], tuple[str, Iterable[datetime]]]) -> Response:
    """Make the answer to this request the finished page of its address.

    `current` reads, outside of any request too, the mark that the page is good for. `make` makes it for a moment
    (aware, UTC): its HTML, and the instants at which it changes by itself. Only the path and ARGUMENTS may enter
    into it.
    """
    now = clock.now()
    mark = current()
    html, changes = make(now)
    plain = html.encode()
    request.environ[NAME] = FinishedPage(
        plain=plain,
        packed=gzip.compress(plain, compresslevel=9, mtime=0),
        etag=f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"',
        mark=mark,
        current=current,
        until=next_change(changes, now=now),
    )
    return Response(status=200)


def asked(name: str) -> str | None:
    """Return what the address asks for by one of ARGUMENTS, if there is such a thing."""
    value = request.args.get(name)
    return value if value in ARGUMENTS[name] else None


def _arguments(query: str) -> tuple[str | None, ...]:
    """Return the values of ARGUMENTS in a query, the first of each, as `asked` finds them."""
    if not query:
        return NOTHING_ASKED
    given = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    asked_for = {name: value for name, known in ARGUMENTS.items() if (value := given.get(name)) in known}
    if given.get("tz") and "tz" not in asked_for:
        asked_for["tz"] = NO_ZONE
    return tuple(asked_for.get(name) for name in ARGUMENTS)


def _send(
    page: FinishedPage, fixed: Headers, now: datetime, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    seconds = LONGEST if page.until is None else min(LONGEST, int((page.until - now).total_seconds()))
    headers = [
        *fixed,
        ("Cache-Control", f"public, max-age={seconds}"),
        ("ETag", page.etag),
        ("Vary", "Accept-Encoding"),
    ]
    if page.etag[2:] in environ.get("HTTP_IF_NONE_MATCH", ""):
        start_response("304 Not Modified", headers)
        return []
    body = page.plain
    headers.append(("Content-Type", "text/html; charset=utf-8"))
    if _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        body = page.packed
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    start_response("200 OK", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    return bool(parse_accept_header(accepted, Accept)["gzip"])


def _size(kept: tuple[FinishedPage, Headers]) -> int:
    return len(kept[0].plain) + len(kept[0].packed)
