"""A file that has no faults -> the rows it asks for.

A moved copy has not happened yet: quotes, statements, documents, recordings, press release and outlook stay
behind; and sign-up opens at noon on the first of the month, 14 months before the first session, or earlier, so
that a copy moved by up to a year and a month ahead can be tried at once. Both follow from the file and the movement
alone: the day of the import plays no part, and a second one changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from registration.domain.event_file.reminding import clock_of
from registration.domain.event_file.walltimes import parse_wall
from registration.extensions import Base
from registration.models import (
    Category,
    EventSession,
    ProgrammeItem,
    Question,
    ReminderRule,
    Speaker,
    Stream,
)
from registration.models import Event as EventRow
from registration.models.event import Entry, EventState, QuestionKind
from registration.models.programme import Audience, ItemKind, Part, SessionState, StreamKind
from registration.models.types import Texts
from registration.timezones import to_utc

OPEN_MONTHS_BEFORE = 14
NOTICE_MINUTES = 10
EVENT_TEXTS = ("title", "summary", "audience", "place", "background", "sender_name", "privacy_notice")

Entries = Mapping[str, Any]


@dataclass(frozen=True)
class Planned:
    """A row as the file wants it: its table, the name it is found by, its columns, and the rows below it by
    relationship."""

    model: type[Base]
    name: str
    values: dict[str, Any]
    below: dict[str, list[Planned]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Terms:
    """What holds for the whole file."""

    language: str
    zone: str
    moved: timedelta

    @property
    def happened(self) -> bool:
        return not self.moved

    def texts(self, given: str | Texts | None) -> Texts:
        if given is None:
            return {}
        return {self.language: given} if isinstance(given, str) else dict(given)

    def wall(self, written: str) -> datetime:
        return parse_wall(written) + self.moved

    def instant(self, written: str) -> datetime:
        return to_utc(self.wall(written), self.zone)


def plan_event(root: Entries, *, as_slug: str | None, moved: timedelta) -> Planned:
    """Return the event a faultless file asks for, under `as_slug` if given, wall times moved by `moved`."""
    terms = _Terms(root["language"], root["zone"], moved)
    sessions = [_session(one, terms) for one in root["sessions"]]
    values = {
        "state": EventState(root.get("state", EventState.DRAFT)),
        "sample": root.get("sample", False),
        "invitations": root.get("invitations", True),
        "notice_minutes": root.get("notice_minutes", NOTICE_MINUTES),
        "zone": terms.zone,
        "default_language": terms.language,
        **_about(root, terms),
        **_registration(root, terms, min(session.values["starts_wall"] for session in sessions)),
    }
    below = {
        "sessions": sessions,
        "categories": [_category(one, place, terms) for place, one in enumerate(root["categories"])],
        "reminder_rules": [_rule(one, terms) for one in root.get("reminders", [])],
    }
    return Planned(EventRow, as_slug or root["slug"], values, below)


def _about(root: Entries, terms: _Terms) -> dict[str, Any]:
    release = root.get("press_release", {}) if terms.happened else {}
    return {
        **{name: terms.texts(root.get(name)) for name in EVENT_TEXTS},
        "place_url": root.get("place_url", ""),
        "organizers": [
            {"name": terms.texts(one["name"]), "short": one.get("short", ""), "url": one.get("url", "")}
            for one in root["organizers"]
        ],
        "contacts": [{"name": one["name"], "address": one["address"]} for one in root.get("contacts", [])],
        "links": _links(root.get("links", []), terms),
        "hashtag": root.get("hashtag", ""),
        "press_release": release and {name: terms.texts(release.get(name)) for name in ("title", "dateline", "text")},
        "outlook": [
            {name: terms.texts(one.get(name)) for name in ("title", "when", "text")} | {"url": one.get("url", "")}
            for one in root.get("outlook", [])
            if terms.happened
        ],
        "organizer_address": root["organizer_address"],
    }


def _registration(root: Entries, terms: _Terms, first_wall: datetime) -> dict[str, Any]:
    registration = root["registration"]
    opens = terms.instant(registration["opens"])
    return {
        "retention_days": root["retention_days"],
        "keeps_vetting_names": root.get("keeps_vetting_names", False),
        "field_days": dict(root.get("field_days", {})),
        "registration_opens": opens if terms.happened else min(opens, to_utc(_opening(first_wall), terms.zone)),
        "registration_closes": terms.instant(registration["closes"]),
        "places": registration.get("places"),
    }


def _opening(first_wall: datetime) -> datetime:
    """Return when a moved copy takes sign-ups, as wall time: noon is an hour that no clock change touches."""
    months = first_wall.year * 12 + first_wall.month - 1 - OPEN_MONTHS_BEFORE
    return datetime.combine(first_wall.date().replace(year=months // 12, month=months % 12 + 1, day=1), time(12))


def _category(given: Entries, position: int, terms: _Terms) -> Planned:
    values = {
        "position": position,
        "label": terms.texts(given["label"]),
        "description": terms.texts(given.get("description")),
        "entry": Entry(given["entry"]),
        "places": given.get("places"),
        "at_risk": given.get("at_risk", False),
        "asks_vetting_name": given.get("vetting_name", False),
    }
    questions = [_question(one, place, terms) for place, one in enumerate(given.get("questions", []))]
    return Planned(Category, given["slug"], values, {"questions": questions})


def _question(given: Entries, position: int, terms: _Terms) -> Planned:
    values = {
        "position": position,
        "kind": QuestionKind(given["kind"]),
        "label": terms.texts(given["label"]),
        "help": terms.texts(given.get("help")),
        "required": given.get("required", False),
        "choices": [{"value": one["value"], "label": terms.texts(one["label"])} for one in given.get("choices", [])],
    }
    return Planned(Question, given["name"], values)


def _rule(given: Entries, terms: _Terms) -> Planned:
    """Whether a rule is paused is decided at the desk alone: a file leaves it as it is."""
    values = {
        "minutes_before": given.get("minutes_before"),
        "days_before": given.get("days_before"),
        "clock_time": clock_of(given.get("at")),
        "categories": given.get("categories", []),
        "sessions": given.get("sessions", []),
        "languages": given.get("languages", []),
        "subject": terms.texts(given.get("subject")),
        "text": terms.texts(given.get("text")),
    }
    return Planned(ReminderRule, given["slug"], values)


def _session(given: Entries, terms: _Terms) -> Planned:
    values = {
        "title": terms.texts(given["title"]),
        "theme": terms.texts(given.get("theme")),
        "description": terms.texts(given.get("description")),
        "documents": _links(given.get("documents", []), terms) if terms.happened else [],
        "starts_wall": terms.wall(given["starts"]),
        "ends_wall": terms.wall(given["ends"]),
        "starts_at": terms.instant(given["starts"]),
        "ends_at": terms.instant(given["ends"]),
        "captions": given.get("captions", False),
        "state": SessionState(given.get("state", SessionState.SCHEDULED)),
    }
    streams = [one for one in given.get("streams", []) if terms.happened or one["kind"] != StreamKind.RECORDING]
    below = {
        "items": [_item(one, place, terms) for place, one in enumerate(given.get("programme", []))],
        "streams": [_stream(one, place, terms) for place, one in enumerate(streams)],
    }
    return Planned(EventSession, given["slug"], values, below)


def _item(given: Entries, position: int, terms: _Terms) -> Planned:
    values = {
        "position": position,
        "kind": ItemKind(given.get("kind", ItemKind.OTHER)),
        "title": terms.texts(given["title"]),
        "description": terms.texts(given.get("description")),
        "url": given.get("url", ""),
    }
    speakers = [_speaker(one, place, terms) for place, one in enumerate(given.get("speakers", []))]
    return Planned(ProgrammeItem, given["slug"], values, {"speakers": speakers})


def _speaker(given: Entries, position: int, terms: _Terms) -> Planned:
    values = {
        "position": position,
        "name": given["name"],
        "title": terms.texts(given.get("title")),
        "institution": terms.texts(given.get("institution")),
        "part": Part(given.get("part", Part.SPEAKER)),
        "delivered_by": given.get("delivered_by", ""),
        "to_be_confirmed": given.get("to_be_confirmed", False),
        "statement_url": given.get("statement_url", "") if terms.happened else "",
        "quotes": [terms.texts(quote) for quote in given.get("quotes", [])] if terms.happened else [],
    }
    return Planned(Speaker, given["slug"], values)


def _stream(given: Entries, position: int, terms: _Terms) -> Planned:
    values = {
        "position": position,
        "kind": StreamKind(given["kind"]),
        "audience": Audience(given.get("audience", Audience.PUBLIC)),
        "language": given["language"],
        "label": terms.texts(given.get("label")),
        "url": given["url"],
        "categories": given.get("categories", []),
    }
    return Planned(Stream, given["slug"], values)


def _links(given: list[Any], terms: _Terms) -> list[dict[str, Any]]:
    return [{"label": terms.texts(one["label"]), "url": one["url"]} for one in given]
