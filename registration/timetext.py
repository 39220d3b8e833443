"""Times in words: one session in New York, in UTC and in the reader's zone, in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from babel.dates import format_date, format_time, format_timedelta

from registration.timezones import city, offset_name, to_wall


@dataclass(frozen=True)
class ZoneTimes:
    """A session's times as clocks in one zone show them; `ends_on` is empty where it ends on the day it starts."""

    zone: str
    place: str
    offset: str
    date: str
    starts: str
    ends: str
    ends_on: str
    starts_at: datetime
    ends_at: datetime

    def __str__(self) -> str:
        """One line for a mail: "Tuesday 25 May 2021, 19:45 – 23:00 (Kathmandu, UTC+5:45)"."""
        ends = f"{self.ends_on}, {self.ends}" if self.ends_on else self.ends
        return f"{self.date}, {self.starts} – {ends} ({self.where})"

    @property
    def where(self) -> str:
        """The place and its distance from UTC, once where both are UTC."""
        return self.place if self.place == self.offset else f"{self.place}, {self.offset}"


@lru_cache(maxsize=4096)
def zone_times(starts_at: datetime, ends_at: datetime, zone: str, language: str) -> ZoneTimes:
    """Return the times from `starts_at` to `ends_at` (aware) in the IANA zone `zone`, in words of `language`.

    Kept, for a worker writes the same to many.
    """
    starts, ends = to_wall(starts_at, zone), to_wall(ends_at, zone)
    locale = locale_of(language)
    return ZoneTimes(
        zone=zone,
        place=city(zone, language),
        offset=offset_name(starts_at, zone),
        date=_day(starts, locale),
        starts=_clock(starts, locale),
        ends=_clock(ends, locale),
        ends_on=_day(ends, locale) if ends.date() != starts.date() else "",
        starts_at=starts_at,
        ends_at=ends_at,
    )


def all_times(
    starts_at: datetime, ends_at: datetime, event_zone: str, language: str, reader_zone: str | None = None
) -> list[ZoneTimes]:
    """Return the times in the reader's zone (if known), the event's zone and UTC, each zone once."""
    zones = dict.fromkeys(zone for zone in (reader_zone, event_zone, "UTC") if zone)
    return [zone_times(starts_at, ends_at, zone, language) for zone in zones]


def day_text(instant: datetime, zone: str, language: str) -> str:
    """Return weekday and date in a zone: "Tuesday, 25 May 2021"."""
    return _day(to_wall(instant, zone), locale_of(language))


def moment_text(instant: datetime, zone: str, language: str) -> str:
    """Return date and time in a zone: "Tuesday, 25 May 2021, 10:00 (New York, UTC−4)"."""
    times = zone_times(instant, instant, zone, language)
    return f"{times.date}, {times.starts} ({times.where})"


def short_moment_text(instant: datetime, zone: str, language: str) -> str:
    """Return date and time in a zone, as short as a table needs it: "25 May 2021, 10:00 UTC−4"."""
    wall, locale = to_wall(instant, zone), locale_of(language)
    day = format_date(wall.date(), "medium", locale=locale)
    return f"{day}, {_clock(wall, locale)} {offset_name(instant, zone)}"


def span_text(span: timedelta, language: str) -> str:
    """Return a length of time in its largest unit, in words: "3 minutes"."""
    return format_timedelta(max(span, timedelta(minutes=1)), granularity="minute", locale=locale_of(language))


def locale_of(language: str) -> str:
    """Return the locale in which dates of a language are written: UN English puts the day before the month."""
    return "en_GB" if language == "en" else language.replace("-", "_")


def _day(moment: datetime, locale: str) -> str:
    return format_date(moment.date(), "full", locale=locale)


def _clock(moment: datetime, locale: str) -> str:
    return format_time(moment.time(), "HH:mm", locale=locale)
