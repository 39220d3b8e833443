"""How public pages show things: text in the language it is in, dates of an event, addresses without surprises."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from babel.dates import format_interval
from flask import Flask, g, request, url_for
from markupsafe import Markup

from registration.models import Event
from registration.text import in_language
from registration.timetext import ZoneTimes, all_times
from registration.timezones import to_wall
from registration.web.display import LANGUAGES, chosen_zone, direction, page_language, paragraphs
from registration.web.main_zones import main_zones


def init_app(app: Flask) -> None:
    """Give the templates what public pages show things with."""
    app.jinja_env.filters.update(prose=prose, tongue=tongue)
    app.jinja_env.globals.update(
        event_dates=event_dates,
        host_of=host_of,
        main_zones=main_zones,
        moment_times=moment_times,
        own_address=own_address,
    )


def tongue(texts: dict[str, str]) -> Markup:
    """Return the attributes ` lang="..." dir="..."` for a text that falls back to another language, else nothing."""
    page = page_language()
    if not texts or texts.get(page) or texts.get(page.partition("-")[0]):
        return Markup("")
    shown = _shown(texts)
    language = next((tag for tag, text in texts.items() if text == shown), page)
    return Markup(' lang="{}" dir="{}"').format(language, direction(language))


def prose(texts: dict[str, str]) -> Markup:
    """Return a text of several paragraphs as HTML, marked with the language it is in."""
    return Markup(paragraphs(_shown(texts)).replace("<p>", f"<p{tongue(texts)}>"))


def event_dates(event: Event) -> str:
    """Return the days of an event in its own zone, as "25–26 May 2021"; nothing where it has no session."""
    if not event.sessions:
        return ""
    first = to_wall(min(one.starts_at for one in event.sessions), event.zone).date()
    last = to_wall(max(one.ends_at for one in event.sessions), event.zone).date()
    language = page_language()
    # As in timetext: UN English puts the day before the month.
    return format_interval(first, last, "yMMMMd", locale="en_GB" if language == "en" else language.replace("-", "_"))


def moment_times(instant: datetime, event_zone: str) -> list[ZoneTimes]:
    """Return one instant (aware) in the zone that ?tz asks for, the event's and UTC."""
    return all_times(instant, instant, event_zone, page_language(), chosen_zone())


def host_of(url: str) -> str:
    """Return the host of an address as people know it: "webtv.un.org"."""
    return (urlsplit(url).hostname or "").removeprefix("www.")


def own_address(language: str) -> str:
    """Return the address of the public page being made, in a language; what else stood in the address is left out."""
    return url_for(request.endpoint or "public.events", **(request.view_args or {}), lang=language, tz=chosen_zone())


def _shown(texts: dict[str, str]) -> str:
    return in_language(texts, page_language(), g.get("language") or LANGUAGES[0])
