"""Finished public pages in memory.

A public page is a function of its address, of the data and, now and then, of the moment. It is made and packed once;
that holds for one mark (the version of the data) and until the next instant at which the page changes by itself.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

from cachetools import LRUCache
from flask import Flask, Response, current_app, request

from registration import clock
from registration.domain.showing import next_change
from registration.web.display import asked_language, chosen_zone

LARGEST = 32 * 1024 * 1024
"""How many bytes of pages one process keeps."""
LONGEST = 60
"""For how many seconds browsers and caches on the way may keep a page."""

Make = Callable[[datetime], tuple[str, Iterable[datetime]]]
"""Makes a page for the moment `now`: its HTML, and the instants at which it changes by itself."""


@dataclass(frozen=True, slots=True)
class FinishedPage:
    """A page as it is sent. `until`: when it changes by itself, if ever."""

    plain: bytes
    packed: bytes
    etag: str
    mark: Hashable
    until: datetime | None

    def holds(self, mark: Hashable, now: datetime) -> bool:
        """Whether this is still what would be made for `mark` at `now`."""
        return self.mark == mark and (self.until is None or now < self.until)


class PageCache:
    """The finished pages of one process, those not asked for longest leaving first. Safe to share between threads."""

    def __init__(self, largest: int = LARGEST) -> None:
        self._pages: LRUCache[Hashable, FinishedPage] = LRUCache(largest, getsizeof=_size)
        self._lock = Lock()

    def get(self, key: Hashable) -> FinishedPage | None:
        """Return what was kept under `key`."""
        with self._lock:
            return self._pages.get(key)

    def keep(self, key: Hashable, page: FinishedPage) -> None:
        """Keep a page; one larger than the whole cache is not kept."""
        with self._lock:
            if _size(page) <= self._pages.maxsize:
                self._pages[key] = page


def init_app(app: Flask) -> None:
    """Give `app` its own cache."""
    app.extensions["page_cache"] = PageCache()


def finished(mark: Hashable, make: Make, *more: Hashable) -> Response:
    """Answer with the page of the address asked for, made anew only when the kept one does not hold.

    `mark` is what the page is good for, read before it is made. Only the address, language, zone and `more` may
    enter into the page; other arguments of the address are as if they were not there.
    """
    now = clock.now()
    cache: PageCache = current_app.extensions["page_cache"]
    address = tuple((request.view_args or {}).values())
    key = (request.endpoint, address, asked_language(), chosen_zone(), *more)
    page = cache.get(key)
    if page is None or not page.holds(mark, now):
        page = _finish(*make(now), mark=mark, now=now)
        cache.keep(key, page)
    return _answer(page, now)


def _finish(html: str, changes: Iterable[datetime], *, mark: Hashable, now: datetime) -> FinishedPage:
    plain = html.encode()
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"'
    packed = gzip.compress(plain, compresslevel=9, mtime=0)
    return FinishedPage(plain, packed, etag, mark, next_change(changes, now=now))


def _answer(page: FinishedPage, now: datetime) -> Response:
    seconds = LONGEST if page.until is None else min(LONGEST, int((page.until - now).total_seconds()))
    headers = {
        "Content-Type": "text/html; charset=utf-8",
        "Cache-Control": f"public, max-age={seconds}",
        "ETag": page.etag,
        "Vary": "Accept-Encoding",
    }
    if "If-None-Match" in request.headers and request.if_none_match.contains_weak(page.etag[3:-1]):
        return Response(status=304, headers=headers)
    if "gzip" in request.headers.get("Accept-Encoding", "") and request.accept_encodings["gzip"]:
        headers["Content-Encoding"] = "gzip"
        return Response(page.packed, headers=headers)
    return Response(page.plain, headers=headers)


def _size(page: FinishedPage) -> int:
    return len(page.plain) + len(page.packed)
