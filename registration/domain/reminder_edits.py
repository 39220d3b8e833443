"""Edits of an event's reminder rules: one is added, changed, deleted, paused, resumed.

An edit holds at once. What waits to be sent by the old rule is deleted together with the note that it was made, so that
a mail in a worker's hand is withdrawn, and the next sweep makes anew what is still due, for those who have not had it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, exists, select

from registration.domain import admission, wording
from registration.domain.reminder_times import When, due_at, wall_of, when_of
from registration.domain.reminders import id_of
from registration.errors import NotFound, Refusal
from registration.extensions import db
from registration.models import Delivery, Event, EventSession, ReminderRound, ReminderRule
from registration.models.delivery import DeliveryState
from registration.models.programme import SessionState
from registration.models.types import Texts
from registration.timezones import to_utc

MOST_MINUTES = 43200
MOST_DAYS = 30
SUBJECT_LENGTH = 200
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


def rule_called(event: Event, slug: str) -> ReminderRule:
    """Return a rule of the event. Raises NotFound."""
    for rule in event.reminder_rules:
        if rule.slug == slug:
            return rule
    raise NotFound(_l("There is no such reminder; the list of reminders has them all."))


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
    return when_of(rule), set(rule.categories), set(rule.sessions), set(rule.languages), rule.paused


def faults(event: Event, wanted: RuleValues, *, now: datetime) -> Iterator[Refusal]:
    """Yield why a rule cannot be as wanted, each with its field: "minutes_before", "days_before", "clock_time",
    "categories", "sessions", "subject_LANGUAGE", "text_LANGUAGE"."""
    yield from _unknown(wanted.categories, [one.slug for one in event.categories], "categories")
    yield from _unknown(wanted.sessions, [one.slug for one in event.sessions], "sessions")
    yield from _range_faults(wanted.when)
    yield from _clock_faults(event, wanted, now)
    yield from _word_faults(event, wanted)


def add(event: Event, wanted: RuleValues, *, paused: bool = False, now: datetime) -> ReminderRule:
    """Add a rule, which reminds nobody yet if it is `paused`. Raises Refusal for `faults`."""
    event = admission.lock_event(event.id)
    for refusal in faults(event, wanted, now=now):
        raise refusal
    taken = {one.slug for one in event.reminder_rules}
    numbers = range(1, len(taken) + 2)
    rule = ReminderRule(slug=next(slug for one in numbers if (slug := f"reminder-{one}") not in taken))
    rule.paused = paused
    _bring(rule, wanted)
    event.reminder_rules.append(rule)
    _raise_version(event, now)
    return rule


def change(rule: ReminderRule, wanted: RuleValues, *, seen: str, now: datetime) -> bool:
    """Make a rule what is wanted. `seen`: the mark that the organizer who edits has seen. Returns whether anything
    changed. Raises Refusal for `faults`, and if somebody else has changed the rule since."""
    event = _lock(rule)
    before = reach_of(rule)
    if wanted == values_of(rule):
        return False
    if seen != mark_of(rule):
        raise Refusal(
            _l("Somebody has changed this reminder in the meantime; compare with what stands now, and send it again.")
        )
    for refusal in faults(event, wanted, now=now):
        raise refusal
    _bring(rule, wanted)
    if reach_of(rule) != before:
        withdraw([rule.id])
    _raise_version(event, now)
    return True


def remove(rule: ReminderRule, *, now: datetime) -> None:
    """Delete a rule. Raises Refusal once mails have been sent by it: what became of them would go with it."""
    event = _lock(rule)
    if has_history(rule):
        raise Refusal(_l("Mails have been sent by this reminder, so it cannot be deleted; pause it instead."))
    event.reminder_rules.remove(rule)
    _raise_version(event, now)


def pause(rule: ReminderRule, *, now: datetime) -> None:
    """Let a rule remind nobody, from now on."""
    event = _lock(rule)
    rule.paused = True
    withdraw([rule.id])
    _raise_version(event, now)


def resume(rule: ReminderRule, *, now: datetime) -> None:
    """Let a rule remind again; what fell due meanwhile and is still of use is made by the next sweep."""
    event = _lock(rule)
    rule.paused = False
    _raise_version(event, now)


def withdraw(rule_ids: Sequence[int]) -> None:
    """Delete what waits to be sent by these rules, and that it was made. Their rows are locked."""
    waiting = Delivery.rule_id.in_(rule_ids), Delivery.state == DeliveryState.WAITING
    under_way = exists().where(
        *waiting,
        Delivery.rule_id == ReminderRound.rule_id,
        Delivery.session_id == ReminderRound.session_id,
        Delivery.starts_at == ReminderRound.starts_at,
    )
    options = {"synchronize_session": False}
    rounds = delete(ReminderRound).where(ReminderRound.rule_id.in_(rule_ids), under_way)
    db.session.execute(rounds, execution_options=options)
    db.session.execute(delete(Delivery).where(*waiting), execution_options=options)


def has_history(rule: ReminderRule) -> bool:
    """Whether any mail of a rule has come to its end: was sent, refused, dropped."""
    settled = exists().where(Delivery.rule_id == rule.id, Delivery.state != DeliveryState.WAITING)
    return db.session.execute(select(settled)).scalar_one()


def clock_fault(session: EventSession, when: When) -> Refusal | None:
    """Return why a clock time cannot be for a session: on that night it does not exist, or exists twice."""
    if when.days_before is None or when.clock_time is None:
        return None
    try:
        to_utc(wall_of(when.days_before, when.clock_time, session), session.event.zone)
    except Refusal as refusal:
        return Refusal(refusal.sentence, "clock_time")
    return None


def word_faults(name: str, words: Texts) -> Iterator[Refusal]:
    """Yield what is wrong with the placeholders of own words, each with its field: "NAME_LANGUAGE"."""
    for language, written in words.items():
        try:
            wording.check(written, wording.REMINDER_PLACEHOLDERS)
        except Refusal as refusal:
            yield Refusal(refusal.sentence, f"{name}_{language}")


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
    coming = [
        one
        for one in event.sessions
        if one.state is SessionState.SCHEDULED and one.starts_at > now and one.slug in (wanted.sessions or [one.slug])
    ]
    for session in coming:
        if fault := clock_fault(session, when):
            yield fault
    if coming and not any(due_at(when, one) for one in coming):
        yield Refusal(_l("No session starts later on its day than this; choose an earlier time."), "clock_time")


def _word_faults(event: Event, wanted: RuleValues) -> Iterator[Refusal]:
    default = event.default_language
    for language in wanted.subject.keys() - wanted.text.keys():
        yield Refusal(_l("There is a subject in this language; write the text too."), f"text_{language}")
    if wanted.text and default not in wanted.text:
        yield Refusal(_l("Write the text in the event's default language too."), f"text_{default}")
    yield from word_faults("subject", wanted.subject)
    yield from word_faults("text", wanted.text)


def _lock(rule: ReminderRule) -> Event:
    """Lock the event's row, then the rule's, until the unit of work ends, and read anew what stands. Raises NotFound
    where the rule is gone."""
    event_id = db.session.execute(select(ReminderRule.event_id).where(ReminderRule.id == id_of(rule))).scalar()
    if event_id is not None:
        event = admission.lock_event(event_id)
        locked = select(ReminderRule).where(ReminderRule.id == id_of(rule)).with_for_update(key_share=True)
        if db.session.execute(locked.execution_options(populate_existing=True)).scalar():
            return event
    raise NotFound(_l("This reminder has been deleted in the meantime; the list of reminders has those there are."))


def _bring(rule: ReminderRule, wanted: RuleValues) -> None:
    rule.minutes_before, rule.days_before, rule.clock_time = wanted.when
    rule.categories, rule.sessions = list(wanted.categories), list(wanted.sessions)
    rule.languages = list(wanted.languages)
    rule.subject, rule.text = dict(wanted.subject), dict(wanted.text)


def _raise_version(event: Event, now: datetime) -> None:
    event.version += 1
    event.updated_at = now
    db.session.flush()
