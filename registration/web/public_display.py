"""How public pages show things: text in the language it is in, dates of an event, addresses without surprises."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from babel.dates import format_interval
from flask import Flask, current_app, g, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup, escape

from registration.models import Event
from registration.text import in_language
from registration.timetext import ZoneTimes, all_times, locale_of
from registration.timezones import city, to_wall
from registration.web.display import LANGUAGES, asks_for_no_zone, chosen_zone, direction, page_language, paragraphs
from registration.web.main_zones import MAIN_ZONES, main_zones


def init_app(app: Flask) -> None:
    """Give the templates what public pages show things with."""
    app.jinja_env.filters.update(prose=prose, tongue=tongue)
    app.jinja_env.globals.update(
        MAIN_ZONES=frozenset(MAIN_ZONES),
        asks_for_no_zone=asks_for_no_zone,
        city=city,
        event_dates=event_dates,
        host_of=host_of,
        main_zones=main_zones,
        moment_times=moment_times,
        own_address=own_address,
    )


def render(template: str, **values: Any) -> str:
    """Return a public page. Context processors are left out, as they may look for a person and open the session."""
    return current_app.jinja_env.get_template(template).render(values, flashes=False)


def tongue(texts: dict[str, str]) -> Markup:
    """Return the attributes ` lang="..." dir="..."` for a text that falls back to another language, else nothing."""
    page = page_language()
    if not texts or texts.get(page) or texts.get(page.partition("-")[0]):
        return Markup("")
    shown = _shown(texts)
    language = next((tag for tag, text in texts.items() if text == shown), page)
    return Markup(' lang="{}" dir="{}"').format(language, direction(language))


def marked(texts: dict[str, str]) -> Markup:
    """Return a text as HTML for where no element of its own can carry its language: marked with it by a span."""
    attributes = tongue(texts)
    return Markup("<span{}>{}</span>").format(attributes, _shown(texts)) if attributes else escape(_shown(texts))


def prose(texts: dict[str, str]) -> Markup:
    """Return a text of several paragraphs as HTML, marked with the language it is in."""
    return paragraphs(_shown(texts)).replace(Markup("<p>"), Markup("<p{}>").format(tongue(texts)))


def event_dates(event: Event) -> str:
    """Return the days of an event: "25–26 May 2021, New York time"; nothing where it has no session."""
    if not event.sessions:
        return ""
    first = to_wall(min(one.starts_at for one in event.sessions), event.zone).date()
    last = to_wall(max(one.ends_at for one in event.sessions), event.zone).date()
    language = page_language()
    days = format_interval(first, last, "yMMMMd", locale=locale_of(language))
    return _("%(days)s, %(place)s time", days=days, place=city(event.zone, language))


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
