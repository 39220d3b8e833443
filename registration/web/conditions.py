"""Conditional requests (RFC 9110, section 13): what somebody who has an answer already is to be sent.

Werkzeug's own `make_conditional` leaves Last-Modified out of a 304, and its reader of dates takes lists of them and
fails on a year of eleven digits.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from werkzeug.http import parse_etags, unquote_etag

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
"""The forms of a date in HTTP (RFC 9110, 5.6.7): today's, that of RFC 850, and C's asctime."""


def status(environ: WSGIEnvironment, etag: str, last_modified: datetime | None) -> int:
    """Return 200, 304 or 412 for a GET or HEAD of what has this ETag and this date (aware, whole seconds).

    The conditions are weighed in the order of RFC 9110, 13.2.2: an ETag's beats a date's.
    """
    if "HTTP_IF_MATCH" in environ:
        if not _names(environ["HTTP_IF_MATCH"], etag, weakly=False):
            return 412
    elif (since := _date_in(environ, "HTTP_IF_UNMODIFIED_SINCE")) and last_modified and last_modified > since:
        return 412
    if "HTTP_IF_NONE_MATCH" in environ:
        return 304 if _names(environ["HTTP_IF_NONE_MATCH"], etag, weakly=True) else 200
    since = _date_in(environ, "HTTP_IF_MODIFIED_SINCE")
    return 304 if since and last_modified and last_modified <= since else 200


def date_said(said: str) -> datetime | None:
    """Return the moment that a date in a header names (aware, UTC); None for anything else, which counts as unsaid."""
    for form in DATES:
        try:
            return datetime.strptime(f"{said} +0000", f"{form} %z")
        except ValueError:
            pass
    return None


def _date_in(environ: WSGIEnvironment, name: str) -> datetime | None:
    said = environ.get(name)
    return date_said(said) if said else None


def _names(said: str, etag: str, *, weakly: bool) -> bool:
    """Whether a list of ETags names this one (RFC 9110, 8.8.3.2: only strong ones are strongly alike)."""
    if said == "*" or (weakly and said == etag):
        return True
    tag, is_weak = unquote_etag(etag)
    listed = parse_etags(said)
    return listed.contains_weak(tag or "") if weakly else not is_weak and listed.is_strong(tag or "")
