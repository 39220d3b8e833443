"""An edit of one session at the organizer's desk, and what participants would be told of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _l

from registration.domain import admission, revisions
from registration.domain.event_file.formats import check_url
from registration.domain.holdings import ToTell, to_tell
from registration.domain.trial import trial
from registration.errors import Refusal
from registration.extensions import db
from registration.models import Event, EventSession, Stream
from registration.models.programme import SessionState, StreamKind
from registration.models.types import Texts
from registration.text import is_visible
from registration.timezones import to_utc

LONGEST = timedelta(hours=24)
"""A session that is longer has a mistyped date."""


@dataclass(frozen=True)
class SessionValues:
    """What can be edited of a session. `title`: by language, none of them empty; `starts`, `ends`: naive wall times in
    the event's zone; `urls`: the address of each live stream, by the stream's slug."""

    title: Texts
    starts: datetime
    ends: datetime
    state: SessionState
    urls: Mapping[str, str]


def values_of(session: EventSession) -> SessionValues:
    """Return what stands."""
    urls = {stream.slug: stream.url for stream in live_streams(session)}
    return SessionValues(dict(session.title), session.starts_wall, session.ends_wall, session.state, urls)


def live_streams(session: EventSession) -> list[Stream]:
    """Return where the session can be followed while it runs, in the order the event names them."""
    return [stream for stream in session.streams if stream.kind is StreamKind.LIVE]


def languages_of(event: Event) -> list[str]:
    """Return the languages in which an event or its sessions have a title, the default language first."""
    titles = [event.title, *(session.title for session in event.sessions)]
    return list(dict.fromkeys([event.default_language, *(language for title in titles for language in title)]))


def faults(session: EventSession, wanted: SessionValues) -> Iterator[Refusal]:
    """Yield why a session cannot become what is wanted, each with its field: "title_LANGUAGE", "starts", "ends",
    "url_SLUG"."""
    default = session.event.default_language
    if not is_visible(wanted.title.get(default, "")):
        yield Refusal(_l("Write a title in the event's default language."), f"title_{default}")
    yield from _time_faults(session, wanted)
    for slug, url in wanted.urls.items():
        try:
            check_url(url)
        except Refusal as refusal:
            yield Refusal(refusal.sentence, f"url_{slug}")


def edit(session: EventSession, wanted: SessionValues, *, seen_revision: int, now: datetime) -> bool:
    """Make a session what is wanted, keep what it was as a revision, and set when its participants are told.

    `seen_revision`: the one that the organizer who edits has seen. Returns whether anything changed. Raises Refusal for
    `faults`, and if somebody else has changed the session since.
    """
    event = _lock(session)
    if session.revision != seen_revision and wanted != values_of(session):
        raise Refusal(
            _l("Somebody has changed this session in the meantime; compare with what stands now, and send it again.")
        )
    for refusal in faults(session, wanted):
        raise refusal
    if not _bring(session, wanted):
        return False
    event.version += 1
    event.updated_at = now
    revisions.revise(session, now=now)
    db.session.flush()
    db.session.expire(event, ["sessions"])
    return True


def preview(session: EventSession, wanted: SessionValues, *, seen_revision: int, now: datetime) -> ToTell:
    """Return what would be told after an edit: it is made, looked at, and undone. Raises as `edit` does.

    It is a unit of work of its own.
    """
    with trial():
        edit(session, wanted, seen_revision=seen_revision, now=now)
        return to_tell(session, now=now)


def starts_in_past(session: EventSession, wanted: SessionValues, *, now: datetime) -> bool:
    """Whether a session is to get another start, which is past; for values without `faults`."""
    return wanted.starts != session.starts_wall and to_utc(wanted.starts, session.event.zone) < now


def _time_faults(session: EventSession, wanted: SessionValues) -> Iterator[Refusal]:
    zone, instants = session.event.zone, {}
    for name, wall in (("starts", wanted.starts), ("ends", wanted.ends)):
        try:
            instants[name] = to_utc(wall, zone)
        except Refusal as refusal:
            yield Refusal(refusal.sentence, name)
    if len(instants) < 2:
        return
    # One that an event file made longer can still be renamed and cancelled.
    is_new = (wanted.starts, wanted.ends) != (session.starts_wall, session.ends_wall)
    if instants["ends"] <= instants["starts"]:
        yield Refusal(_l("This must be later than the start."), "ends")
    elif is_new and instants["ends"] - instants["starts"] > LONGEST:
        yield Refusal(_l("This must be at most 24 hours after the start."), "ends")


def _lock(session: EventSession) -> Event:
    """Lock the event's row, then the session's, until the unit of work ends, and read anew what stands."""
    event = admission.lock_event(session.event_id)
    db.session.expire(session)
    db.session.refresh(session, with_for_update={"key_share": True})
    return event


def _bring(session: EventSession, wanted: SessionValues) -> bool:
    """Change the rows. The wall time is the promise: its instant is looked up again each time."""
    zone = session.event.zone
    values = {
        "title": dict(wanted.title),
        "starts_wall": wanted.starts,
        "ends_wall": wanted.ends,
        "starts_at": to_utc(wanted.starts, zone),
        "ends_at": to_utc(wanted.ends, zone),
        "state": wanted.state,
    }
    changed = [name for name, value in values.items() if getattr(session, name) != value]
    for name in changed:
        setattr(session, name, values[name])
    moved = [one for one in live_streams(session) if wanted.urls.get(one.slug, one.url) != one.url]
    for stream in moved:
        stream.url = wanted.urls[stream.slug]
    return bool(changed or moved)
