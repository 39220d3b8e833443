"""Calendar files: one per session, one per event, and the event's feed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from flask import Blueprint, Response, request
from werkzeug.datastructures import Headers
from werkzeug.http import http_date

from registration.domain.calendar_entries import labels, neutral_title, own_entry, public_entry
from registration.domain.calendars.building import download_bytes, feed_bytes
from registration.domain.calendars.entry import CalendarEntry
from registration.domain.personal import open_personal
from registration.domain.programme import open_sessions, session_called
from registration.models import Event, EventSession
from registration.models.event import EventState
from registration.web.access import visible_event
from registration.web.display import page_language, text
from registration.web.participant import own_registration

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

blueprint = Blueprint("calendar", __name__)

CONTENT_TYPE = "text/calendar; charset=utf-8"
FEED_LIFETIME = 900
"""Seconds for which a cache may hold a public calendar."""


@blueprint.get("/events/<slug:event_slug>/calendar.ics")
def event_feed(event_slug: str) -> Response:
    """Answer the event's feed, to subscribe to; cancelled sessions stay in it as cancelled."""
    event = visible_event(event_slug)
    entries = [_entry(session) for session in event.sessions]
    octets = feed_bytes(entries, name=text(event.title), language=page_language(), labels=labels())
    return _public(octets, event, f"{event.slug}.ics", disposition="inline")


@blueprint.get("/events/<slug:event_slug>/sessions.ics")
def event_file(event_slug: str) -> Response:
    """Answer one file of all sessions that take place."""
    event = visible_event(event_slug)
    entries = [_entry(session) for session in open_sessions(event)]
    octets = download_bytes(entries, language=page_language(), labels=labels())
    return _public(octets, event, f"{event.slug}.ics")


@blueprint.get("/events/<slug:event_slug>/sessions/<slug:session_slug>.ics")
def session_file(event_slug: str, session_slug: str) -> Response:
    """Answer the file of one session."""
    event = visible_event(event_slug)
    session = session_called(event, session_slug)
    octets = download_bytes([_entry(session)], language=page_language(), labels=labels())
    return _public(octets, event, f"{event.slug}-{session.slug}.ics")


@blueprint.get("/my/sessions/<slug:session_slug>.ics")
def own_file(session_slug: str) -> Response:
    """Answer a session's file as this participant wants it: in neutral words in discreet mode."""
    registration = own_registration()
    session = session_called(registration.event, session_slug)
    if registration.discreet:
        title, name = open_personal(registration).neutral_title or neutral_title(), "meeting.ics"
    else:
        title, name = None, f"{registration.event.slug}-{session.slug}.ics"
    entry = own_entry(session, registration, discreet_title=title)
    octets = download_bytes([entry], language=page_language(), labels=labels())
    return _attached(octets, name, "attachment")


def _entry(session: EventSession) -> CalendarEntry:
    return public_entry(session, language=page_language())


class PublicFile(Response):
    """A file that is the same for everybody, so that any cache may hold it."""

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        """Return the headers without "Vary: Cookie", which Flask adds because extensions look into the session; and
        with Last-Modified in a 304 too, for some programs know no other validator."""
        headers = super().get_wsgi_headers(environ)
        headers["Vary"] = "Accept-Encoding"
        if self.last_modified:
            headers["Last-Modified"] = http_date(self.last_modified)
        return headers


def _attached(octets: bytes, name: str, disposition: str, kind: type[Response] = Response) -> Response:
    response = kind(octets, content_type=CONTENT_TYPE)
    response.headers.set("Content-Disposition", disposition, filename=name)
    return response


def _public(octets: bytes, event: Event, name: str, disposition: str = "attachment") -> Response:
    """Answer with validators over the finished bytes (RFC 9110, 8.8 and 13); a draft's file is kept by nobody."""
    if event.state is EventState.DRAFT:
        return _attached(octets, name, disposition)
    response = _attached(octets, name, disposition, PublicFile)
    response.set_etag(hashlib.sha256(octets).hexdigest()[:32])
    response.last_modified = max([event.updated_at, *(one.updated_at for one in event.sessions)])
    response.headers["Cache-Control"] = f"public, max-age={FEED_LIFETIME}"
    response.make_conditional(request)
    return response
