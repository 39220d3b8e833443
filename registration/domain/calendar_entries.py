"""A session as a calendar entry: the same in downloads, feeds and mails, but for its words."""

from __future__ import annotations

from dataclasses import replace

from flask_babel import gettext as _

from registration.domain.calendars.entry import CalendarEntry, Labels
from registration.domain.livestream import FLOOR
from registration.domain.personal import Personal
from registration.domain.programme import takes_place
from registration.links import public_url
from registration.models import EventSession, Invitation, Registration
from registration.text import in_language, is_visible


def public_entry(session: EventSession, *, language: str) -> CalendarEntry:
    """Return the entry that everybody may have: it names the session and its event."""
    url = public_url("watch.session", event_slug=session.event.slug, session_slug=session.slug)
    return _named_entry(session, language, url)


def own_entry(
    session: EventSession,
    registration: Registration,
    *,
    discreet_title: str | None,
    invitation: Invitation | None = None,
    takes_part: bool = True,
) -> CalendarEntry:
    """Return the entry of one participant: in their language, its SEQUENCE raised with their own coming and going.

    `discreet_title`: what the entry is called if others may see it; it then names nothing else and leads to the
    neutral address /s/CODE/. Who does not `takes_part` (any more) has it as cancelled.
    """
    url = watch_url(session, registration, discreet=discreet_title is not None)
    if discreet_title is None:
        entry = _named_entry(session, registration.language, url)
    else:
        entry = _entry(session, discreet_title, "", url, discreet=True)
    if not takes_part:
        entry = replace(entry, cancelled=True)
    if invitation is None:
        return entry
    return replace(
        entry,
        sequence=sequence(session, invitation),
        updated_at=max(entry.updated_at, invitation.changed_at),
    )


def sequence(session: EventSession, invitation: Invitation) -> int:
    """Return the SEQUENCE of one person's entry (RFC 5545, 3.8.7.4)."""
    return session.revision + invitation.bumps


def watch_url(session: EventSession, registration: Registration, *, discreet: bool) -> str:
    """Return the watch page in a participant's language, with the stream in the language they follow in."""
    stream = registration.stream_language
    asked = {"lang": language_asked(registration), "stream": None if stream == FLOOR else stream}
    if discreet:
        return public_url("watch.neutral", code=session.code, **asked)
    return public_url("watch.session", event_slug=session.event.slug, session_slug=session.slug, **asked)


def language_asked(registration: Registration) -> str | None:
    """Return what `?lang` has to ask for, so that a page speaks a participant's language; None where it does anyway."""
    language = registration.language
    return None if language == registration.event.default_language else language


def labels() -> Labels:
    """Return the words around entries, in the language in force."""
    return Labels(watch=_("Watch"), alarm=_("Starts in 15 minutes"))


def neutral_title() -> str:
    """Return what a discreet entry is called unless its owner has chosen other words."""
    return _("Online meeting")


def discreet_title(personal: Personal) -> str:
    """Return what calendars and mails call a session for somebody in discreet mode: in their own words, if any."""
    return personal.neutral_title if is_visible(personal.neutral_title) else neutral_title()


def entry_title(session: EventSession, language: str) -> str:
    """Return what a session is called in a calendar, where its event is not to be seen."""
    default = session.event.default_language
    title = in_language(session.title, language, default)
    return f"{title} – {in_language(session.event.title, language, default)}"


def _named_entry(session: EventSession, language: str, url: str) -> CalendarEntry:
    theme = in_language(session.theme, language, session.event.default_language)
    return _entry(session, entry_title(session, language), theme, url, discreet=False)


def _entry(session: EventSession, title: str, description: str, url: str, *, discreet: bool) -> CalendarEntry:
    return CalendarEntry(
        uid=session.code,
        title=title,
        description=description,
        starts_at=session.starts_at,
        ends_at=session.ends_at,
        zone=session.event.zone,
        watch_url=url,
        sequence=session.revision,
        created_at=session.created_at,
        updated_at=session.updated_at,
        cancelled=not takes_place(session),
        discreet=discreet,
    )
