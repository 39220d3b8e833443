"""Invitations for many people out of one finished file, against each built by the calendar library."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytz

from registration.domain.calendars.entry import CalendarEntry, Labels
from registration.domain.calendars.invitations import Convener, Method, built_by_library, invitation_bytes

ROUNDS, PEOPLE, BUILT = 31, 2000, 40
BAR = 50

LABELS = Labels(watch="Watch", alarm="Starts in 15 minutes")
OFFICE = Convener("Office of the Dialogue", "dialogue@plenary.example.org")
SESSION = CalendarEntry(
    uid="6b1f0c2e9a",
    title="Human rights, civil society and counter-terrorism – Global Dialogue",
    description="High-level opening, followed by a discussion of human rights and of the part of civil society.",
    starts_at=datetime(2027, 5, 25, 14, tzinfo=pytz.utc),
    ends_at=datetime(2027, 5, 25, 17, 15, tzinfo=pytz.utc),
    zone="America/New_York",
    watch_url="https://plenary.example.org/events/dialogue-next/sessions/human-rights/",
    sequence=0,
    created_at=datetime(2027, 3, 1, 8, tzinfo=pytz.utc),
    updated_at=datetime(2027, 3, 1, 8, tzinfo=pytz.utc),
)

Person = tuple[CalendarEntry, str]
Make = Callable[..., bytes]


def main() -> None:
    """Print how many invitations are made of one finished file while the library builds one."""
    people = [_person(number) for number in range(PEOPLE)]
    few = people[:: PEOPLE // BUILT]
    assert [_file(invitation_bytes, one) for one in few] == [_file(built_by_library, one) for one in few]
    pairs = [(_time(invitation_bytes, people), _time(built_by_library, few)) for _round in range(ROUNDS)]
    micro = [1e6 * statistics.median(column) for column in zip(*pairs, strict=True)]
    ratio = statistics.median(built / personal for personal, built in pairs)
    print(f"invitation out of a finished file: {micro[0]:.1f} µs, built by the library: {micro[1]:.0f} µs")
    print(f"ratio {ratio:.0f} (at least {BAR})")


def _person(number: int) -> Person:
    changed_at = SESSION.updated_at + timedelta(minutes=number)
    return replace(
        SESSION, sequence=number % 5, updated_at=changed_at
    ), f"participant.{number}@organization.example.org"


def _file(make: Make, person: Person) -> bytes:
    entry, address = person
    return make(entry, method=Method.REQUEST, language="en", labels=LABELS, convener=OFFICE, attendee=address)


def _time(make: Make, people: Sequence[Person]) -> float:
    """Return the seconds of one person's file, on the average."""
    begun = time.perf_counter()
    for person in people:
        _file(make, person)
    return (time.perf_counter() - begun) / len(people)


if __name__ == "__main__":
    main()
