"""What everybody may see of events: the list, an event's page, its privacy notice.

These answers are functions of the address alone, so that any cache may hold them: no session, no cookie, no key.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import cast

from flask import Blueprint, Flask, Response
from flask.blueprints import BlueprintSetupState

from registration import clock
from registration.domain import livestream, openness, privacy, programme, showing
from registration.domain.asked import asked_by
from registration.domain.livestream import FLOOR, public_streams
from registration.domain.signup import window
from registration.extensions import db
from registration.models import Event
from registration.models.programme import StreamKind
from registration.web import assets, page_cache, public_display
from registration.web.access import visible_event
from registration.web.clock_words import clock_lines
from registration.web.display import chosen_zone
from registration.web.public_display import render

blueprint = Blueprint("public", __name__)


@blueprint.record_once
def _prepare(state: BlueprintSetupState) -> None:
    app = cast(Flask, state.app)
    assets.init_app(app)
    page_cache.init_app(app)
    public_display.init_app(app)


@blueprint.get("/")
def events() -> Response:
    """Show the events: those to come, then the past ones."""
    return page_cache.finished(partial(showing.shown_versions, db.engine), _events_page)


@blueprint.get("/events/<slug:event_slug>/")
def event(event_slug: str) -> Response | str:
    """Show an event's page."""
    return _page_of(event_slug, _event_page)


@blueprint.get("/events/<slug:event_slug>/privacy/", endpoint="privacy")
def privacy_notice(event_slug: str) -> Response | str:
    """Show what becomes of the data people give, and when it goes."""
    return _page_of(event_slug, _privacy_page)


def _page_of(slug: str, make: Callable[[Event, datetime], str]) -> Response | str:
    """Answer with a page of an event; one that only organizers may see is made for them and kept nowhere."""
    version = partial(showing.shown_version, db.engine, slug)
    if version() is None:
        return make(visible_event(slug), clock.now())

    def make_for_all(now: datetime) -> tuple[str, list[datetime]]:
        shown = visible_event(slug)
        return make(shown, now), showing.page_changes(shown)

    return page_cache.finished(version, make_for_all)


def _events_page(now: datetime) -> tuple[str, list[datetime]]:
    coming, past = showing.shown_events(now=now)
    windows = {one.slug: window(one, now=now) for one in coming}
    page = render("public/events.html", coming=coming, past=past, windows=windows)
    return page, [moment for one in coming for moment in showing.page_changes(one)]


def _event_page(event: Event, now: datetime) -> str:
    return render(
        "public/event.html",
        event=event,
        window=window(event, now=now),
        openness=openness.shown_at_best(event),
        phases={session.slug: livestream.phase(session, now=now) for session in event.sessions},
        is_broadcast=all(public_streams(session, StreamKind.LIVE, FLOOR) for session in event.sessions),
        is_over=now >= programme.ends_at(event),
        zone=chosen_zone(),
    )


def _privacy_page(event: Event, now: datetime) -> str:
    day = privacy.forget_at(event)
    asks = asked_by(event)
    return render(
        "public/privacy.html",
        event=event,
        forget_at=day,
        forgotten=now >= day,
        clocks=clock_lines(event, now=now),
        asked=asks,
        hosts=sorted({public_display.host_of(url) for url in asks.streams}),
    )
