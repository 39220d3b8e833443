"""Finished answers: what is sent to everybody who asks for the same, made and packed once."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.datastructures import Accept
from werkzeug.http import http_date, parse_accept_header

from registration.web import conditions

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

LONGEST = 60
"""For how many seconds browsers, and caches on the way, may keep a page."""

VARY = ("Vary", "Accept-Encoding")

Headers = list[tuple[str, str]]
Mark = Callable[[], Hashable]


@dataclass(frozen=True, slots=True)
class Finished:
    """An answer as it is sent.

    `packed`: the body by gzip, for those who take it; None where it is never packed. `last_modified`: aware, whole
    seconds. `validators` and `described`: the headers that say which answer this is, and what its body is. `kept`: by
    whom it may be kept ("public", "private") and for how many seconds. `current` reads, outside of any request too, the
    mark that the answer of this moment has; `until`: when it changes by itself, if ever.
    """

    plain: bytes
    packed: bytes | None
    etag: str
    last_modified: datetime | None
    validators: Headers
    described: Headers
    kept: tuple[str, int]
    mark: Hashable
    current: Mark
    until: datetime | None = None

    def __len__(self) -> int:
        return len(self.plain) + len(self.packed or b"")


@dataclass(frozen=True)
class File:
    """What is fetched as a file. `updated_at` (aware): when what it is made of changed last; `described`: the headers
    that tell of it."""

    octets: bytes
    updated_at: datetime
    described: Headers


def of_page(html: str, *, mark: Hashable, current: Mark, until: datetime | None) -> Finished:
    """Return a public page. Its ETag is a weak one, for it comes packed and not packed."""
    plain = html.encode()
    etag = f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"'
    return Finished(
        plain=plain,
        packed=gzip.compress(plain, compresslevel=9, mtime=0),
        etag=etag,
        last_modified=None,
        validators=[("ETag", etag), VARY],
        described=[("Content-Type", "text/html; charset=utf-8")],
        kept=("public", LONGEST),
        mark=mark,
        current=current,
        until=until,
    )


def of_file(file: File, kept: tuple[str, int], *, mark: Hashable, current: Mark) -> Finished:
    """Return a file. It is never packed, on the way neither, so that its ETag is a strong one (RFC 9110, 8.8.1)."""
    etag = f'"{hashlib.sha256(file.octets).hexdigest()[:32]}"'
    last_modified = file.updated_at.replace(microsecond=0)
    return Finished(
        plain=file.octets,
        packed=None,
        etag=etag,
        last_modified=last_modified,
        validators=[("ETag", etag), ("Last-Modified", http_date(last_modified)), VARY],
        described=file.described,
        kept=kept,
        mark=mark,
        current=current,
    )


def send(
    finished: Finished, fixed: Headers, now: datetime, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Answer a GET or HEAD. `fixed`: the headers that have nothing to do with what the body is."""
    headers = [*fixed, ("Cache-Control", _cache_control(finished, now)), *finished.validators]
    match conditions.status(environ, finished.etag, finished.last_modified):
        case 304:
            start_response("304 Not Modified", headers)
            return []
        case 412:
            start_response("412 Precondition Failed", [*headers, ("Content-Length", "0")])
            return []
    body = finished.plain
    headers += finished.described
    if finished.packed and _takes_gzip(environ.get("HTTP_ACCEPT_ENCODING", "")):
        body = finished.packed
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    start_response("200 OK", headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _cache_control(finished: Finished, now: datetime) -> str:
    by_whom, seconds = finished.kept
    if finished.until is not None:
        seconds = min(seconds, int((finished.until - now).total_seconds()))
    return f"{by_whom}, max-age={seconds}"


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    return bool(parse_accept_header(accepted, Accept)["gzip"])
