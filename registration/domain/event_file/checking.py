"""What no schema can say: how the parts of a file fit together.

Everything here also meets files that the schema refuses, so that all faults are found at once: what has the
wrong type is passed over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l

from registration.domain.event_file.faults import Fault, Path
from registration.domain.event_file.reading import Document
from registration.domain.event_file.reminding import reminder_faults
from registration.domain.event_file.walltimes import dicts, wall_or_none
from registration.errors import Refusal
from registration.models.event import Entry, QuestionKind
from registration.timezones import COMMON_ZONES, to_utc

KINDS = frozenset(kind.value for kind in QuestionKind)
NAMED_BY = {
    "sessions": "slug",
    "programme": "slug",
    "speakers": "slug",
    "streams": "slug",
    "categories": "slug",
    "questions": "name",
    "choices": "value",
    "reminders": "slug",
}
"""What tells the entries of each list apart."""


def fit_faults(document: Document, moved: timedelta) -> Iterator[Fault]:
    """Yield what does not fit together once every wall time is moved by `moved`."""
    if isinstance(document.root, dict):
        yield from _time_faults(document, moved)
        yield from _clock_faults(document)
        yield from _twice(document, (), document.root)
        yield from _unknown_categories(document)
        yield from _question_faults(document)
        yield from _vetting_faults(document)
        yield from _speaker_faults(document)
        yield from reminder_faults(document, moved)


def _time_faults(document: Document, moved: timedelta) -> Iterator[Fault]:
    zone = document.root.get("zone")
    if not isinstance(zone, str) or zone not in COMMON_ZONES:
        return
    spans = [(path, session, "starts", "ends") for path, session in _entries(document.root, "sessions")]
    for registration in dicts([document.root.get("registration")]):
        spans.append((("registration",), registration, "opens", "closes"))
    for path, entry, first, last in spans:
        instants: dict[str, datetime] = {}
        for name in (first, last):
            wall = wall_or_none(entry.get(name))
            try:
                if wall:
                    instants[name] = to_utc(wall + moved, zone)
            except Refusal as refusal:
                yield document.fault((*path, name), refusal.sentence)
        if len(instants) == 2 and instants[last] <= instants[first]:
            yield document.fault((*path, last), _l("This must be later than “%(first)s”.", first=first))


def _clock_faults(document: Document) -> Iterator[Fault]:
    """Nothing stays longer than all the rest."""
    most = document.root.get("retention_days")
    for fields in dicts([document.root.get("field_days")]):
        for name, days in fields.items():
            if isinstance(days, int) and isinstance(most, int) and days > most > 0:
                yield document.fault(
                    ("field_days", name),
                    _l("Everything goes after %(days)d days (retention_days); write that or less.", days=most),
                )


def _twice(document: Document, path: Path, value: Any) -> Iterator[Fault]:
    """Entries of one list under one name: they are found again by it, so it stands once."""
    if isinstance(value, dict):
        for name, below in value.items():
            yield from _twice(document, (*path, name), below)
    elif isinstance(value, list):
        key = NAMED_BY.get(str(path[-1])) if path else None
        seen = set()
        for index, entry in enumerate(value):
            yield from _twice(document, (*path, index), entry)
            name = entry.get(key) if isinstance(entry, dict) else None
            if isinstance(name, str) and name in seen:
                yield document.fault(
                    (*path, index, key or ""), _l("“%(name)s” stands twice; name each once.", name=name)
                )
            seen.add(name if isinstance(name, str) else None)


def _unknown_categories(document: Document) -> Iterator[Fault]:
    root = document.root
    known = [category.get("slug") for category in dicts(root.get("categories"))]
    users = [*_entries(root, "reminders"), *_below(root, "sessions", "streams")]
    for path, user in users:
        named = user.get("categories")
        for index, slug in enumerate(named if isinstance(named, list) else []):
            if slug not in known:
                yield document.fault(
                    (*path, "categories", index),
                    _l("There is no such category in this file; add it."),
                )


def _vetting_faults(document: Document) -> Iterator[Fault]:
    """A name that nobody reads is not asked for."""
    for path, category in _entries(document.root, "categories"):
        if category.get("vetting_name") is True and category.get("entry") == Entry.OPEN:
            sentence = _l("Nobody is vetted where all come in: leave this out, or write “entry: reviewed”.")
            yield document.fault((*path, "vetting_name"), sentence)


def _question_faults(document: Document) -> Iterator[Fault]:
    for path, question in _below(document.root, "categories", "questions"):
        kind = question.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            continue
        chooses = kind in ("one_choice", "several_choices")
        if chooses and "choices" not in question:
            yield document.fault((*path, "choices"), _l("A question of this kind needs choices; add them."))
        if "choices" in question and not chooses:
            yield document.fault(
                (*path, "choices"),
                _l("A question of this kind has no choices; remove them."),
            )
        needed = {"country": "country", "organization": "text"}.get(str(question.get("name")))
        if needed and kind != needed:
            yield document.fault((*path, "kind"), _l("A question of this name is of the kind “%(kind)s”.", kind=needed))


def _speaker_faults(document: Document) -> Iterator[Fault]:
    for item_path, item in _below(document.root, "sessions", "programme"):
        for path, speaker in _entries(item, "speakers", item_path):
            on_behalf, named = speaker.get("part") == "on_behalf_of", "delivered_by" in speaker
            if on_behalf and not named:
                yield document.fault(
                    (*path, "delivered_by"), _l("This is missing; name who speaks in this person's place.")
                )
            if named and not on_behalf:
                yield document.fault((*path, "delivered_by"), _l("This goes with “part: on_behalf_of”; remove it."))


def _entries(value: dict[str, Any], name: str, path: Path = ()) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the mappings in the list called `name`, with their paths."""
    found = value.get(name)
    for index, entry in enumerate(found if isinstance(found, list) else []):
        if isinstance(entry, dict):
            yield (*path, name, index), entry


def _below(root: dict[str, Any], outer: str, inner: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path, entry in _entries(root, outer):
        yield from _entries(entry, inner, path)
