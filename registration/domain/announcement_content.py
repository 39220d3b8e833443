"""What an announcement says and whom it is for, and what is asked of both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flask_babel import lazy_gettext as _l

from registration.domain import wording
from registration.domain.groups import Group
from registration.domain.session_edits import languages_of
from registration.errors import Refusal
from registration.models import Announcement, Event
from registration.models.registration import RegistrationState
from registration.models.types import Texts
from registration.text import is_visible

SUBJECT_PLACEHOLDERS = ("name", "event")
"""No links: mail servers write subjects into their logs."""
TEXT_OCTETS = 9_000
"""As text and as HTML a mail may have 30 KB, and base64 makes four octets of three."""


@dataclass(frozen=True)
class Content:
    """What can be written of an announcement: its words by language, none of them empty, and whom it is for."""

    subject: Texts
    text: Texts
    group: Group


def content_of(announcement: Announcement) -> Content:
    """Return what stands."""
    return Content(dict(announcement.subject), dict(announcement.text), group_of(announcement))


def group_of(announcement: Announcement) -> Group:
    """Return whom it is for."""
    return Group(
        states=tuple(RegistrationState(one) for one in announcement.states),
        categories=tuple(announcement.categories),
        sessions=tuple(announcement.sessions),
        languages=tuple(announcement.languages),
    )


def languages(event: Event, content: Content) -> list[str]:
    """Return the languages in which an announcement can be written, the event's default first."""
    return list(dict.fromkeys([*languages_of(event), *content.subject, *content.text]))


def faults(event: Event, content: Content) -> Iterator[Refusal]:
    """Yield why this cannot be announced, each with its field: "subject_LANGUAGE", "text_LANGUAGE", "states",
    "categories", "sessions"."""
    for language in languages(event, content):
        yield from _faults_in_words(content, language, is_default=language == event.default_language)
    if not content.group.states:
        yield Refusal(_l("Choose at least one state."), "states")
    if not {category.slug for category in event.categories}.issuperset(content.group.categories):
        yield Refusal(_l("One of these categories is no longer there: take its tick away."), "categories")
    if not {session.slug for session in event.sessions}.issuperset(content.group.sessions):
        yield Refusal(_l("One of these sessions is no longer there: take its tick away."), "sessions")


def _faults_in_words(content: Content, language: str, *, is_default: bool) -> Iterator[Refusal]:
    subject, text = content.subject.get(language, ""), content.text.get(language, "")
    has_subject, has_text = is_visible(subject), is_visible(text)
    if is_default and not has_subject:
        yield Refusal(_l("Write a subject in the event's default language."), f"subject_{language}")
    elif has_text and not has_subject:
        yield Refusal(_l("Write a subject in this language too."), f"subject_{language}")
    if is_default and not has_text:
        yield Refusal(_l("Write the message in the event's default language."), f"text_{language}")
    elif has_subject and not has_text:
        yield Refusal(_l("Write the message in this language too."), f"text_{language}")
    if len(text.encode()) > TEXT_OCTETS:
        yield Refusal(_l("This message is too long for a mail; make it shorter."), f"text_{language}")
    if len(subject.splitlines()) > 1:
        yield Refusal(_l("Write the subject in one line."), f"subject_{language}")
    for words, known, field in (
        (subject, SUBJECT_PLACEHOLDERS, f"subject_{language}"),
        (text, wording.ANNOUNCEMENT_PLACEHOLDERS, f"text_{language}"),
    ):
        try:
            wording.check(words, known, field)
        except Refusal as refusal:
            yield refusal
