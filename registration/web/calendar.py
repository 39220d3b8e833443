"""Calendars as programs fetch them: files of sessions and events, the event's feed, a participant's feed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import cast

from flask import Blueprint, Flask, Response
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from registration.domain import feeds, showing
from registration.domain.feeds import CalendarFile
from registration.domain.link_keys import LinkKind, registration_of
from registration.errors import NotFound
from registration.extensions import db
from registration.keys import public_id_of
from registration.models import Event
from registration.web import page_cache
from registration.web.access import visible_event
from registration.web.answers import File
from registration.web.display import page_language
from registration.web.participant import own_registration

blueprint = Blueprint("calendar", __name__)

CONTENT_TYPE = "text/calendar; charset=utf-8"
PUBLIC = ("public", 900)
"""Any cache may hold a public calendar, for so many seconds."""
OWN = ("private, no-cache", 0)
"""A participant's is asked for anew before each use, so that one switched off ends at once (RFC 9111, 5.2.2.4)."""


class AnyTextConverter(BaseConverter):
    """Whatever stands in an address: what does not even look like a key gets the answer of a key that is wrong."""

    regex = "(?s:.*)"
    part_isolating = False


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    cast(Flask, state.app).url_map.converters["text"] = AnyTextConverter


@blueprint.get("/events/<slug:event_slug>/calendar.ics")
def event_feed(event_slug: str) -> Response:
    """Answer the event's feed, to subscribe to."""
    return _public(event_slug, lambda event, language: _inline(feeds.event_feed(event, language=language)))


@blueprint.get("/events/<slug:event_slug>/sessions.ics")
def event_file(event_slug: str) -> Response:
    """Answer one file of all sessions that take place."""
    return _public(event_slug, lambda event, language: _attached(feeds.event_file(event, language=language)))


@blueprint.get("/events/<slug:event_slug>/sessions/<slug:session_slug>.ics")
def session_file(event_slug: str, session_slug: str) -> Response:
    """Answer the file of one session."""
    return _public(
        event_slug, lambda event, language: _attached(feeds.session_file(event, session_slug, language=language))
    )


@blueprint.get("/feeds/<text:key>.ics")
def own_feed(key: str) -> Response:
    """Answer a participant's feed. Nobody learns from a 404 what is wrong with a key."""
    mark = partial(feeds.own_mark, db.engine, public_id_of(key))
    try:
        return page_cache.finished_file(mark, lambda: _inline(feeds.own_feed(registration_of(key, LinkKind.FEED))), OWN)
    except NotFound as refusal:
        return Response(f"{refusal}\n", 404, content_type="text/plain; charset=utf-8")


@blueprint.get("/my/sessions/<key:code>.ics")
def own_file(code: str) -> Response:
    """Answer a session's file as this participant wants it: in neutral words in discreet mode.

    The address has the session's code, for a list of downloads keeps it; that with its slug is of earlier links.
    """
    return _kept_by_nobody(_attached(feeds.own_file(own_registration(), code)))


def _public(event_slug: str, make: Callable[[Event, str], File]) -> Response:
    """Answer with a file that is made of an event in a language; one that only organizers may see is kept by nobody."""
    version = partial(showing.shown_version, db.engine, event_slug)

    def made() -> File:
        return make(visible_event(event_slug), page_language())

    return _kept_by_nobody(made()) if version() is None else page_cache.finished_file(version, made, PUBLIC)


def _kept_by_nobody(file: File) -> Response:
    return Response(file.octets, headers=file.described)


def _inline(calendar: CalendarFile) -> File:
    return _file(calendar, "inline")


def _attached(calendar: CalendarFile) -> File:
    return _file(calendar, "attachment")


def _file(calendar: CalendarFile, disposition: str) -> File:
    """Return a calendar with the headers that tell of it. Its name is made of slugs: ASCII, and nothing to quote."""
    named = f"{disposition}; filename={calendar.name}; filename*=UTF-8''{calendar.name}"
    described = [("Content-Type", CONTENT_TYPE), ("Content-Disposition", named)]
    return File(calendar.octets, calendar.updated_at, described)
