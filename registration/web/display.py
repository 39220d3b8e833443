"""How pages show things: the language of a page, its direction, texts and times in templates."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from registration.countries import country_names
from registration.models import EventSession
from registration.text import in_language
from registration.timetext import ZoneTimes, all_times, day_text, moment_text, short_moment_text
from registration.timezones import COMMON_ZONES

LANGUAGES = ("en", "ar", "es", "fr", "ru", "zh")
"""The languages of pages and mails: the six official ones of the United Nations."""
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})


def init_app(app: Flask) -> None:
    """Give the templates what they show things with."""
    app.url_defaults(_keep_language)
    app.url_defaults(_keep_zone)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(text=text, paragraphs=paragraphs)
    app.jinja_env.globals.update(
        LANGUAGES=LANGUAGES,
        asset=asset,
        page_language=page_language,
        direction=direction,
        language_name=language_name,
        with_language=with_language,
        session_times=session_times,
        stream_language_name=stream_language_name,
        moment=lambda instant, zone: moment_text(instant, zone, page_language()),
        short_moment=lambda instant, zone: short_moment_text(instant, zone, page_language()),
        day=lambda instant, zone: day_text(instant, zone, page_language()),
        country_name=lambda code: country_names(page_language()).get(code, code),
        chosen_zone=chosen_zone,
    )


def chosen_language() -> str:
    """Return the language of this answer: what the address asks for, else what the view found, else English."""
    asked = asked_language()
    return asked or g.get("language") or LANGUAGES[0]


def use_language(language: str) -> None:
    """Make the answer in this language unless the address asks for another; before anything is translated."""
    g.language = language


def asked_language() -> str | None:
    """Return the language that `?lang` asks for, if it is one of ours."""
    asked = request.args.get("lang") if has_request_context() else None
    return asked if asked in LANGUAGES else None


def page_language() -> str:
    """Return the language tag of the page or mail being made."""
    return str(get_locale() or LANGUAGES[0]).replace("_", "-")


def direction(language: str | None = None) -> str:
    """Return "rtl" or "ltr" for a language, or for the page's."""
    return "rtl" if (language or page_language()).partition("-")[0] in RIGHT_TO_LEFT else "ltr"


@cache
def language_name(language: str) -> str:
    """Return a language's name in itself, as a language menu shows it."""
    name = Locale.parse(language, sep="-").get_display_name(language) or language
    return name[:1].upper() + name[1:]


def text(texts: dict[str, str]) -> str:
    """Return the text for the page's language, falling back as `in_language` does."""
    return in_language(texts, page_language(), g.get("language") or LANGUAGES[0])


def paragraphs(value: str) -> Markup:
    """Return plain text as HTML paragraphs: a blank line begins a new one."""
    parts = (part.strip() for part in value.split("\n\n"))
    return Markup("\n").join(Markup("<p>{}</p>").format(escape(part)) for part in parts if part)


def session_times(session: EventSession, event_zone: str, reader_zone: str | None = None) -> list[ZoneTimes]:
    """Return a session's times in the reader's zone (if known), the event's and UTC, in the page's language."""
    return all_times(session.starts_at, session.ends_at, event_zone, page_language(), reader_zone)


def stream_language_name(language: str) -> str:
    """Return what a stream's language is called on the page."""
    special = {"floor": _("Floor (as spoken)"), "sign": _("International Sign")}
    return special.get(language) or language_name(language)


def chosen_zone() -> str | None:
    """Return the zone that `?tz` asks for, if there is such a one."""
    asked = request.args.get("tz")
    return asked if asked in COMMON_ZONES else None


def asks_for_no_zone() -> bool:
    """Whether `?tz` asks for something that is no zone."""
    return bool(request.args.get("tz")) and chosen_zone() is None


def with_language(language: str) -> str:
    """Return the address of the page being shown, in another language; without what `url_for` takes for itself."""
    asked = {name: value for name, value in request.args.items() if name != "endpoint" and not name.startswith("_")}
    arguments = {**asked, **(request.view_args or {}), "lang": language}
    return url_for(request.endpoint or "public.events", **arguments)


def asset(name: str) -> str:
    """Return the address of one of our static files, new with each content so that it can be kept for ever."""
    return url_for("static", filename=name, v=_fingerprint(Path(current_app.static_folder or "") / name))


@cache
def _fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _keep_language(endpoint: str, values: dict[str, Any]) -> None:
    """A reader who chose a language keeps it from page to page, by the address alone."""
    if endpoint == "static" or "lang" in values or not has_request_context():
        return
    language = asked_language()
    if language:
        values["lang"] = language


def _keep_zone(endpoint: str, values: dict[str, Any]) -> None:
    """A zone that was chosen is kept among the pages that show times for everybody."""
    if endpoint.partition(".")[0] not in ("public", "watch", "signup") or "tz" in values or not has_request_context():
        return
    zone = chosen_zone()
    if zone:
        values["tz"] = zone
