"""Finished public pages and calendars in memory, answered before Flask is asked.

Each is a function of its address, of the data and, now and then, of the moment. It is made once. That holds while its
mark (the version of the data) stays the same, and until the next instant at which it changes by itself; both are
looked at for each request.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable
from datetime import datetime
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from cachetools import LRUCache
from flask import Flask, Response, request
from sqlalchemy.exc import SQLAlchemyError

from registration import clock
from registration.clock import Clock
from registration.domain.livestream import FLOOR
from registration.domain.showing import next_change
from registration.timezones import COMMON_ZONES
from registration.web import answers
from registration.web.answers import File, Finished, Headers, Mark
from registration.web.display import LANGUAGES

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]

SIGN = "sign"
LARGEST = 32 * 1024 * 1024
"""How many bytes of answers one process keeps."""
ARGUMENTS: dict[str, Container[str]] = {
    "lang": LANGUAGES,
    "tz": COMMON_ZONES,
    "stream": (FLOOR, SIGN, *LANGUAGES),
}
"""What may stand behind the "?" of a finished answer; all else is as if it were not there."""
NO_ZONE = "no zone"
"""Stands for every `?tz` that is none: their pages are one page, which says so."""
NOTHING_ASKED = (None,) * len(ARGUMENTS)
NAME = "plenary.finished"
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
"""Headers of one answer alone; the others that the application sets go with what is kept."""


class FinishedAnswers:
    """A WSGI application around another, which keeps the answers that the other calls finished.

    Nothing of a request or of an answer's cookies enters into what is kept. The least used leave first. Safe to share
    between threads.
    """

    def __init__(self, app: WSGIApplication, tell_time: Clock, largest: int = LARGEST) -> None:
        self._app = app
        self._tell_time = tell_time
        self._kept: LRUCache[Hashable, tuple[Finished, Headers]] = LRUCache(largest, getsizeof=_size)
        self._lock = Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with what is kept and still holds, or as the application does."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return self._app(environ, start_response)
        now = self._tell_time()
        key = (environ["PATH_INFO"], *_arguments(environ.get("QUERY_STRING", "")))
        with self._lock:
            finished, headers = self._kept.get(key, (None, []))
        if finished is None:
            return self._make(key, now, environ, start_response)
        if not _holds(finished, now):
            with self._lock:
                self._kept.pop(key, None)
            return self._make(key, now, environ, start_response)
        return answers.send(finished, headers, now, environ, start_response)

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
        finished: Finished = environ[NAME]
        fixed = [(name, value) for name, value in told if name.lower() not in NOT_KEPT]
        with self._lock:
            if len(finished) <= self._kept.maxsize:
                self._kept[key] = finished, fixed
        return answers.send(finished, fixed, now, environ, start_response)


def init_app(app: Flask) -> None:
    """Put the kept answers in front of `app`."""
    app.wsgi_app = FinishedAnswers(app.wsgi_app, app.extensions["clock"])  # type: ignore[method-assign]


def finished(current: Mark, make: Callable[[datetime], tuple[str, Iterable[datetime]]]) -> Response:
    """Make the answer to this request the finished page of its address.

    `current` reads, outside of any request too, the mark that the page is good for. `make` makes it for a moment
    (aware, UTC): its HTML, and the instants at which it changes by itself. Only the path and ARGUMENTS may enter
    into it.
    """
    now = clock.now()
    mark = current()
    html, changes = make(now)
    until = next_change(changes, now=now)
    return _keep(answers.of_page(html, mark=mark, current=current, until=until))


def finished_file(current: Mark, make: Callable[[], File], kept: tuple[str, int]) -> Response:
    """Make the answer to this request the finished file of its address: never packed, with both validators.

    `kept`: who on the way may keep it ("public" or "private"), and for how many seconds.
    """
    mark = current()
    return _keep(answers.of_file(make(), kept, mark=mark, current=current))


def asked(name: str) -> str | None:
    """Return what the address asks for by one of ARGUMENTS, if there is such a thing."""
    value = request.args.get(name)
    return value if value in ARGUMENTS[name] else None


def _keep(finished: Finished) -> Response:
    request.environ[NAME] = finished
    return Response(status=200)


def _holds(finished: Finished, now: datetime) -> bool:
    """Whether this is still what would be made. Where the database does not answer, the application says so."""
    try:
        return (finished.until is None or now < finished.until) and finished.current() == finished.mark
    except SQLAlchemyError:
        return False


def _arguments(query: str) -> tuple[str | None, ...]:
    """Return the values of ARGUMENTS in a query, the first of each, as `asked` finds them."""
    if not query:
        return NOTHING_ASKED
    given = dict(reversed(parse_qsl(query, keep_blank_values=True)))
    asked_for = {name: value for name, known in ARGUMENTS.items() if (value := given.get(name)) in known}
    if given.get("tz") and "tz" not in asked_for:
        asked_for["tz"] = NO_ZONE
    return tuple(asked_for.get(name) for name in ARGUMENTS)


def _size(kept: tuple[Finished, Headers]) -> int:
    return len(kept[0])
