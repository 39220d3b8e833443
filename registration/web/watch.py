"""The watch page of a session, at its lasting addresses: what to do before, during and after.

Nothing here speaks to a stream's host: streams are links, opened by a click.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from flask import Blueprint, Response, request, url_for

from registration import clock
from registration.domain import livestream, showing
from registration.domain.calendar_entries import neutral_title, public_entry
from registration.domain.calendars.add_links import add_links
from registration.domain.livestream import FLOOR, Phase
from registration.domain.programme import session_called, session_coded
from registration.extensions import db
from registration.models import EventSession
from registration.models.programme import Audience, StreamKind
from registration.web import page_cache
from registration.web.access import visible_event
from registration.web.display import chosen_zone, page_language
from registration.web.page_cache import SIGN
from registration.web.public_display import render

blueprint = Blueprint("watch", __name__)


@blueprint.get("/events/<slug:event_slug>/sessions/<slug:session_slug>/")
def session(event_slug: str, session_slug: str) -> Response | str:
    """Show the watch page of a session."""

    def found() -> EventSession:
        return session_called(visible_event(event_slug), session_slug)

    return _answer(partial(showing.shown_version, db.engine, event_slug), found)


@blueprint.get("/s/<key:code>/")
def neutral(code: str) -> Response | str:
    """Show the same page under an address and a title that tell nothing, with no link to one that does."""

    def found() -> EventSession:
        one = session_coded(code)
        visible_event(one.event.slug)
        return one

    return _answer(partial(showing.shown_version_of_code, db.engine, code), found)


def _answer(version: Callable[[], int | None], found: Callable[[], EventSession]) -> Response | str:
    """Answer with the page of the session that is found; one that only organizers may see is kept nowhere."""
    if version() is None:
        return _page(found(), clock.now())

    def make(now: datetime) -> tuple[str, tuple[datetime, ...]]:
        one = found()
        return _page(one, now), livestream.phase_changes(one)

    return page_cache.finished(version, make)


def _page(session: EventSession, now: datetime) -> str:
    phase = livestream.phase(session, now=now)
    language = page_cache.asked("stream") or page_language()
    kind = StreamKind.RECORDING if phase is Phase.AFTER else StreamKind.LIVE
    live = livestream.public_streams(session, StreamKind.LIVE, FLOOR)
    is_neutral = request.endpoint == "watch.neutral"
    return render(
        "watch/session.html",
        session=session,
        event=session.event,
        phase=phase.value,
        streams=livestream.public_streams(session, kind, language),
        languages=list(dict.fromkeys(one.language for one in live if one.language != SIGN)),
        has_sign=any(one.language == SIGN for one in live),
        has_room=any(one.audience is Audience.CONFIRMED for one in session.streams),
        changes_at=showing.next_change(livestream.phase_changes(session), now=now),
        calendars={} if is_neutral or phase is not Phase.BEFORE else _calendars(session),
        neutral=neutral_title() if is_neutral else "",
        address=url_for(request.endpoint or "", **(request.view_args or {})),
        zone=chosen_zone(),
    )


def _calendars(session: EventSession) -> dict[str, str]:
    return add_links(public_entry(session, language=page_language()))
