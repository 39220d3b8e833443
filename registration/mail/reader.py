"""Whom a letter is written to, and how its sessions look to them: in their language and zone, discreet where they
asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from registration.domain.calendar_entries import discreet_title, watch_url
from registration.domain.link_keys import LinkKind, key_for
from registration.domain.livestream import public_streams, rooms
from registration.domain.personal import Personal, open_personal
from registration.domain.programme import takes_place
from registration.domain.signup import is_discreet
from registration.links import public_url
from registration.models import EventSession, Registration, Stream
from registration.models.programme import StreamKind
from registration.text import in_language
from registration.timetext import ZoneTimes, all_times


@dataclass(frozen=True)
class SessionLine:
    """A session as a letter shows it: the person's own times first, then the event's zone and UTC."""

    title: str
    times: list[ZoneTimes]
    watch_url: str
    cancelled: bool
    streams: list[Stream]
    rooms: list[Stream]


@dataclass(frozen=True)
class Reader:
    """Whom a letter is written to, and the words they may be told."""

    registration: Registration
    personal: Personal
    title: str
    discreet: bool
    """Whether others may see this person's mail and calendar."""
    now: datetime

    @property
    def sessions(self) -> list[EventSession]:
        """The sessions this person has chosen, in order of time."""
        chosen = {choice.session_id for choice in self.registration.choices}
        return [one for one in self.registration.event.sessions if one.id in chosen]

    def line(self, session: EventSession) -> SessionLine:
        """Return a session as this person may see it."""
        registration = self.registration
        title = in_language(session.title, registration.language, session.event.default_language)
        live = public_streams(session, StreamKind.LIVE, registration.stream_language)
        return SessionLine(
            title=self.title if self.discreet else title,
            times=self.times(session.starts_at, session.ends_at),
            watch_url=watch_url(session, registration, discreet=self.discreet),
            cancelled=not takes_place(session),
            streams=[] if self.discreet else live[:1],
            rooms=[] if self.discreet else rooms(session, registration),
        )

    def lines(self, sessions: Sequence[EventSession]) -> list[SessionLine]:
        """Return sessions as this person may see them."""
        return [self.line(session) for session in sessions]

    def times(self, starts_at: datetime, ends_at: datetime) -> list[ZoneTimes]:
        """Return a span in this person's zone, the event's and UTC."""
        registration = self.registration
        return all_times(starts_at, ends_at, registration.event.zone, registration.language, registration.zone)

    def link(self, endpoint: str, kind: LinkKind, **values: str | None) -> str:
        """Return a personal link."""
        return public_url(endpoint, key=key_for(self.registration, kind), **values)


def reader_of(registration: Registration, *, now: datetime) -> Reader:
    """Return the person behind a registration as a reader at `now`; raises SealError if their key is missing."""
    personal = open_personal(registration)
    event = registration.event
    named = in_language(event.title, registration.language, event.default_language)
    discreet = is_discreet(registration)
    return Reader(registration, personal, discreet_title(personal) if discreet else named, discreet, now)
