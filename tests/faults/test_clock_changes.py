"""Clocks go forward and back: every zone, with New York's two changes of 2026 and with its own."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
import pytz
from dateutil.tz import tzical
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update

from config import ROOT
from registration.domain import revisions
from registration.domain.calendar_entries import public_entry
from registration.domain.calendars.building import download_bytes
from registration.domain.calendars.entry import CalendarEntry, Labels
from registration.domain.crowds import make_crowd
from registration.domain.event_file import import_event
from registration.domain.programme import event_named
from registration.domain.reminders import make_reminders
from registration.errors import Refusal
from registration.extensions import db, writing
from registration.mail.letters import letter_for
from registration.models import Delivery, EventSession, Registration, ReminderRule
from registration.models.delivery import DeliveryState
from registration.timezones import to_utc
from tests.faults.figures import ONE_IN_SHORT, Figures, recorded, times
from tests.support.dialogue import SLUG, load_dialogue

COMMON = sorted(pytz.common_timezones)
NEW_YEAR = datetime(2026, 1, 1, tzinfo=pytz.utc)
STARTS = {
    "human-rights": datetime(2026, 3, 8, 14, 0, tzinfo=pytz.utc),
    "civil-society": datetime(2026, 11, 1, 15, 0, tzinfo=pytz.utc),
}
"""10:00 in New York, a few hours after the clocks there have changed."""
BEFORE = {"day-before": timedelta(hours=24), "quarter-hour": timedelta(hours=1)}
"""How long before a session the Dialogue's two rules remind here."""
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
WORDS = Labels(watch="Watch", alarm="Starts in 15 minutes")


@ONE_IN_SHORT
def test_reminders_across_the_clock_changes_name_every_readers_own_hour(app: Flask) -> None:
    """Due by hours that pass, not by what clocks show; and the first line of times is the reader's own."""
    zones = _some(COMMON, 36)
    load_dialogue(app)
    with app.app_context():
        _prepare(zones)
        wrong = written = 0
        for slug, starts_at in STARTS.items():
            for rule, before in BEFORE.items():
                assert _made(starts_at - before - SECOND) == []
                made = _made(starts_at - before)
                assert {(one.session.slug, one.rule.slug) for one in made if one.session and one.rule} == {(slug, rule)}
                assert sorted(one.registration.zone for one in made) == zones
                wrong += sum(not _names_own_hour(one, now=starts_at - before) for one in made)
                written += len(made)
        database = db.engine.dialect.name
    recorded.append(Figures("F14 reminders by zone", database, len(zones), written, 0, 0, 0, 0, wrong))
    assert wrong == 0


def _some(zones: Sequence[str], few: int) -> list[str]:
    """All of the zones, or in a shorter run one of so many."""
    return list(zones[:: len(zones) // times(len(zones), few)])


def _prepare(zones: list[str]) -> None:
    """The two sessions on the days of the changes, the two rules, and one reader in each zone."""
    with writing():
        make_crowd(event_named(SLUG), len(zones), now=NEW_YEAR)
        ids = db.session.execute(select(Registration.id)).scalars().all()
        for number, zone in zip(ids, zones, strict=True):
            db.session.execute(update(Registration).where(Registration.id == number).values(zone=zone))
        for slug, starts_at in STARTS.items():
            session = update(EventSession).where(EventSession.slug == slug)
            db.session.execute(session.values(starts_at=starts_at, ends_at=starts_at + 2 * HOUR))
        for slug, before in BEFORE.items():
            rule = update(ReminderRule).where(ReminderRule.slug == slug)
            db.session.execute(rule.values(minutes_before=before // MINUTE))


def _made(now: datetime) -> list[Delivery]:
    """The reminders that fall due; those before are settled."""
    with writing():
        db.session.execute(update(Delivery).values(state=DeliveryState.SENT))
        make_reminders(now=now)
    waiting = select(Delivery).where(Delivery.state == DeliveryState.WAITING)
    return list(db.session.execute(waiting).scalars())


def _names_own_hour(delivery: Delivery, *, now: datetime) -> bool:
    assert delivery.session
    zone = pytz.timezone(delivery.registration.zone)
    starts, ends = (moment.astimezone(zone) for moment in (delivery.session.starts_at, delivery.session.ends_at))
    day = f"{starts:%A}, {starts.day} {starts:%B %Y}"
    ends_on = "" if starts.date() == ends.date() else f"{ends:%A}, {ends.day} {ends:%B %Y}, "
    lines = [line.strip() for line in letter_for([delivery], now=now).text.splitlines()]
    first = next(line for line in lines if "2026" in line)
    return first.startswith(f"{day}, {starts:%H:%M} – {ends_on}{ends:%H:%M} (")


def test_no_zone_takes_an_hour_that_is_left_out_or_comes_twice() -> None:
    """In every zone that pytz knows, with every change of its clocks in 2026."""
    tried = 0
    for name in _some(pytz.all_timezones, 200):
        for before, after in _changes(name):
            first, last = sorted([before, after])
            assert _refused(first + (last - first) / 2, name), f"{name} at {first}"
            assert _refused(last - MINUTE, name), f"{name} at {last}"
            assert not _refused(first - MINUTE, name), f"{name} at {first}"
            assert not _refused(last + MINUTE, name), f"{name} at {last}"
            tried += 1
    assert tried
    recorded.append(Figures("F14 gaps and folds", "none", tried, 0, 0, 0, 0, 0))


def _changes(name: str) -> Iterator[tuple[datetime, datetime]]:
    """What clocks show (naive) just before and just after each change in 2026."""
    zone = pytz.timezone(name)
    for moment in getattr(zone, "_utc_transition_times", []):
        if moment.year == 2026:
            instant = pytz.utc.localize(moment)
            before = (instant - SECOND).astimezone(zone).replace(tzinfo=None) + SECOND
            after = instant.astimezone(zone).replace(tzinfo=None)
            if after != before:  # Else only its name has changed.
                yield before, after


def _refused(wall: datetime, name: str) -> bool:
    try:
        instant = to_utc(wall, name)
    except Refusal:
        return True
    assert instant.astimezone(pytz.timezone(name)).replace(tzinfo=None) == wall
    return False


@pytest.mark.parametrize("starts_at", STARTS.values(), ids=STARTS)
def test_every_zones_calendar_file_states_its_zone_or_is_in_utc(starts_at: datetime) -> None:
    """Read by dateutil, which knows no zone but those that the file states."""
    zones = _some(COMMON, 100)
    wrong = [zone for zone in zones if _instant(_file(zone, starts_at)) != starts_at]
    recorded.append(Figures("F14 .ics by zone", "none", len(zones), 0, 0, 0, 0, 0, len(wrong)))
    assert wrong == []


def _file(zone: str, starts_at: datetime) -> bytes:
    entry = CalendarEntry(
        uid="f14@example.org",
        title="Example",
        description="",
        starts_at=starts_at,
        ends_at=starts_at + HOUR,
        zone=zone,
        watch_url="https://events.example.org/s/example/",
        sequence=0,
        created_at=NEW_YEAR,
        updated_at=NEW_YEAR,
    )
    return download_bytes([entry], language="en", labels=WORDS)


def _instant(file: bytes) -> datetime:
    [event] = Calendar.from_ical(file).walk("VEVENT")
    start = event["DTSTART"]
    written = datetime.strptime(start.to_ical().decode()[:15], "%Y%m%dT%H%M%S")  # noqa: DTZ007 - its zone comes next
    if start.to_ical().endswith(b"Z"):
        return pytz.utc.localize(written)
    stated = tzical(io.StringIO(file.decode())).get(start.params["TZID"])
    return written.replace(tzinfo=stated).astimezone(pytz.utc)


@ONE_IN_SHORT
def test_a_zone_whose_rule_changed_keeps_the_wall_time_it_promised(app: Flask) -> None:
    """What the old rule made of 10:00 stands in the database; the file is imported once more after pytz was renewed."""
    with app.app_context():
        sample = (ROOT / "examples" / "dialogue-2021.yaml").read_bytes()
        with writing():
            import_event(sample, as_slug=SLUG, shift_to="2026-11-01", now=NEW_YEAR)
        session = db.session.execute(select(EventSession).where(EventSession.slug == "human-rights")).scalar_one()
        starts_at, wall = session.starts_at, session.starts_wall
        with writing():
            session.starts_at, session.ends_at = session.starts_at - HOUR, session.ends_at - HOUR
            revisions.revise(session, now=NEW_YEAR)
        before = _entry(session)
        with writing():
            import_event(sample, as_slug=SLUG, shift_to="2026-11-01", now=NEW_YEAR + HOUR)
        after = _entry(session)
        assert (session.starts_at, session.starts_wall) == (starts_at, wall)
        assert session.notice_at is not None
    assert (before.starts_at, before.sequence + 1) == (starts_at - HOUR, after.sequence)
    assert _instant(download_bytes([after], language="en", labels=WORDS)) == starts_at


def _entry(session: EventSession) -> CalendarEntry:
    return public_entry(session, language="en")
