"""A session as a calendar entry: the same in downloads, feeds and mails, but for its words."""

from __future__ import annotations

from flask_babel import gettext as _

from registration.domain.calendars.entry import CalendarEntry, Labels
from registration.domain.programme import takes_place
from registration.models import EventSession
from registration.text import in_language


def entry_of(session: EventSession, *, language: str, watch_url: str) -> CalendarEntry:
    """Return the entry that names the session and its event; `watch_url` is its public watch page."""
    default = session.event.default_language
    theme = in_language(session.theme, language, default)
    event_title = in_language(session.event.title, language, default)
    title = in_language(session.title, language, default)
    return _entry(session, f"{title} – {event_title}", theme, watch_url, discreet=False)


def neutral_entry_of(session: EventSession, *, title: str, neutral_url: str) -> CalendarEntry:
    """Return the entry for somebody whose calendar others may see: neutral words, the neutral address /s/CODE/."""
    return _entry(session, title, "", neutral_url, discreet=True)


def labels() -> Labels:
    """Return the words around entries, in the language in force."""
    return Labels(watch=_("Watch"), alarm=_("Starts in 15 minutes"))


def neutral_title() -> str:
    """Return what a discreet entry is called unless its owner has chosen other words."""
    return _("Online meeting")


def _entry(session: EventSession, title: str, description: str, watch_url: str, *, discreet: bool) -> CalendarEntry:
    return CalendarEntry(
        uid=session.code,
        title=title,
        description=description,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        zone=session.event.zone,
        watch_url=watch_url,
        sequence=session.revision,
        created_at=session.created_at,
        updated_at=session.updated_at,
        cancelled=not takes_place(session),
        discreet=discreet,
    )
