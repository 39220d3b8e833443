"""What can be edited of a reminder rule, and what may not stand in it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import lazy_gettext as _l

from registration.domain import wording
from registration.domain.reminder_times import When, due_at, wall_of, when_of
from registration.errors import Refusal
from registration.models import Event, ReminderRule
from registration.models.programme import SessionState
from registration.models.types import Texts
from registration.timezones import to_utc

MOST_MINUTES = 43200
MOST_DAYS = 30
SUBJECT_LENGTH = 300
TEXT_LENGTH = 2000


@dataclass(frozen=True)
class RuleValues:
    """What can be edited of a rule. `categories`, `sessions`: slugs; `languages`: of people's own mails; each without
    entries means all. `subject`, `text`: own words by language, none of them empty."""

    when: When
    categories: Sequence[str] = ()
    sessions: Sequence[str] = ()
    languages: Sequence[str] = ()
    subject: Texts = field(default_factory=dict)
    text: Texts = field(default_factory=dict)


def values_of(rule: ReminderRule) -> RuleValues:
    """Return what stands."""
    return RuleValues(
        when=when_of(rule),
        categories=tuple(rule.categories),
        sessions=tuple(rule.sessions),
        languages=tuple(rule.languages),
        subject=dict(rule.subject),
        text=dict(rule.text),
    )


def mark_of(rule: ReminderRule) -> str:
    """Return a mark of what stands: another one after every change."""
    standing = json.dumps(vars(values_of(rule)), sort_keys=True, default=str)
    return hashlib.sha256(standing.encode()).hexdigest()[:16]


def reach_of(rule: ReminderRule) -> tuple[object, ...]:
    """Return what an edit may change for those who wait: when a rule reminds, of what and whom, not its words."""
    return when_of(rule), set(rule.categories), set(rule.sessions), set(rule.languages)


def faults(event: Event, wanted: RuleValues, *, now: datetime) -> Iterator[Refusal]:
    """Yield why a rule cannot be as wanted, each with its field: "minutes_before", "days_before", "clock_time",
    "categories", "sessions", "subject_LANGUAGE", "text_LANGUAGE"."""
    yield from _unknown(wanted.categories, [one.slug for one in event.categories], "categories")
    yield from _unknown(wanted.sessions, [one.slug for one in event.sessions], "sessions")
    yield from _range_faults(wanted.when)
    yield from _clock_faults(event, wanted, now)
    yield from _word_faults(event, wanted)


def _unknown(named: Collection[str], known: Collection[str], name: str) -> Iterator[Refusal]:
    if not set(named) <= set(known):
        yield Refusal(_l("This choice is not offered; choose from the list."), name)


def _range_faults(when: When) -> Iterator[Refusal]:
    if when.minutes_before is not None:
        if not 1 <= when.minutes_before <= MOST_MINUTES:
            yield Refusal(_l("Choose a time from one minute to 30 days before the start."), "minutes_before")
    elif when.days_before is None or not 0 <= when.days_before <= MOST_DAYS:
        yield Refusal(_l("Write how many days before: 0 (the same day) to 30."), "days_before")
    elif when.clock_time is None:
        yield Refusal(_l("Write the time of day."), "clock_time")


def _clock_faults(event: Event, wanted: RuleValues, now: datetime) -> Iterator[Refusal]:
    """A clock time is looked at on the day of each session that is still to come."""
    when = wanted.when
    if when.minutes_before is not None or when.days_before is None or when.clock_time is None:
        return
    if when.days_before > MOST_DAYS:
        return
    coming = [
        one
        for one in event.sessions
        if one.state is SessionState.SCHEDULED and one.starts_at > now and one.slug in (wanted.sessions or [one.slug])
    ]
    for session in coming:
        try:
            to_utc(wall_of(when.days_before, when.clock_time, session), event.zone)
        except Refusal as refusal:
            yield Refusal(refusal.sentence, "clock_time")
    if coming and not any(due_at(when, one) for one in coming):
        yield Refusal(_l("No session starts later on its day than this; choose an earlier time."), "clock_time")


def _word_faults(event: Event, wanted: RuleValues) -> Iterator[Refusal]:
    default = event.default_language
    for language in wanted.subject.keys() - wanted.text.keys():
        yield Refusal(_l("There is a subject in this language; write the text too."), f"text_{language}")
    if wanted.text and default not in wanted.text:
        yield Refusal(_l("Write the text in the event's default language too."), f"text_{default}")
    yield from _placeholder_faults("subject", wanted.subject, wording.REMINDER_SUBJECT_PLACEHOLDERS)
    yield from _placeholder_faults("text", wanted.text, wording.REMINDER_PLACEHOLDERS)


def _placeholder_faults(name: str, words: Texts, known: Collection[str]) -> Iterator[Refusal]:
    """Yield what is wrong with the placeholders of own words, each with its field: "NAME_LANGUAGE"."""
    for language, written in words.items():
        try:
            wording.check(written, known)
        except Refusal as refusal:
            yield Refusal(refusal.sentence, f"{name}_{language}")
