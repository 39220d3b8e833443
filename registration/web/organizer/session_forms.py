"""The form of one session at the desk: what it is to become, as it is typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import HiddenField, ValidationError
from wtforms.form import BaseForm
from wtforms.widgets import DateTimeLocalInput

from registration.domain.event_file.walltimes import parse_wall
from registration.domain.session_edits import SessionValues, languages_of, live_streams, values_of
from registration.errors import Refusal
from registration.models import EventSession, Stream
from registration.models.programme import Audience, SessionState
from registration.text import is_visible
from registration.timetext import all_times
from registration.timezones import to_utc
from registration.web.display import direction, page_language, stream_language_name, text
from registration.web.fields import SITE_LENGTH, LineField, Needed, OneField, Writable
from registration.web.organizer.session_words import SESSION_STATES, name_here

TITLE, URL = "title_", "url_"
TITLE_LENGTH = 300
NO_REVISION = -1


@dataclass(frozen=True)
class Edited:
    """What an edit changes: lines before and after; `language`: that they are written in, if it is not the page's."""

    label: str
    before: list[str]
    after: list[str]
    language: str | None = None


class WallField(LineField):
    """A wall time in the event's zone. What was typed stays in the field."""

    widget = DateTimeLocalInput()

    @property
    def wall(self) -> datetime:
        """The naive time in the field. Raises Refusal."""
        return parse_wall(self.data or "")

    def process_formdata(self, valuelist: list[Any]) -> None:
        """Take what was typed, written as browsers read it where it is a time."""
        super().process_formdata(valuelist)
        try:
            self.data = html_time(self.wall)
        except Refusal:
            return

    def pre_validate(self, form: BaseForm) -> None:
        """Refuse what is no time, or one of a year whose clock changes nobody knows."""
        try:
            parse_wall(self.data or "")
        except Refusal as refusal:
            raise ValidationError(str(refusal)) from None


class SessionForm(FlaskForm):
    """What every session has; `form_of` adds a title in each language, and the address of each live stream."""

    revision = HiddenField()
    """The one that the organizer has seen."""
    starts = WallField(_l("Start"), validators=[Needed(lambda: _("Choose when it starts."))])  # type: ignore[arg-type]
    ends = WallField(_l("End"), validators=[Needed(lambda: _("Choose when it ends."))])  # type: ignore[arg-type]
    state = OneField(
        _l("State"),  # type: ignore[arg-type]  # the stubs know no lazy strings
        choices=lambda: [(state.value, str(label)) for state, label in SESSION_STATES.items()],
        validators=[Needed(lambda: _("Choose whether it takes place."))],
    )

    @property
    def seen_revision(self) -> int:
        """The revision in the form, or one that never was."""
        typed = self.revision.data or ""
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 8 else NO_REVISION

    @property
    def typed(self) -> dict[str, str]:
        """What the request brought, by the names of the fields."""
        return {field.name: field.data or "" for field in self}

    def values(self) -> SessionValues:
        """Return what was typed, as the rules take it; for a form that validates."""
        titles = {field.name.removeprefix(TITLE): field.data for field in self if field.name.startswith(TITLE)}
        return SessionValues(
            title={language: title for language, title in titles.items() if is_visible(title or "")},
            starts=self.starts.wall,
            ends=self.ends.wall,
            state=SessionState(self.state.data),
            urls={field.name.removeprefix(URL): field.data for field in self if field.name.startswith(URL)},
        )

    def refuse(self, session: EventSession, refusal: Refusal) -> None:
        """Put a refusal beside the field it names. One without a field is that the session has changed: then it stands
        above the form, and what stands now beside each field that says something else."""
        if refusal.field is not None and refusal.field in self:
            self[refusal.field].errors = [str(refusal)]
            return
        self.form_errors.append(str(refusal))
        stands = standing(session)
        self.revision.data = stands["revision"]
        for field in self:
            if field.name in stands and field.data != stands[field.name]:
                field.description = _("Now: %(value)s", value=_shown(field.name, stands[field.name]))


def form_of(session: EventSession, *, submitted: bool) -> SessionForm:
    """Return the form of a session, with what stands or with what the request brought."""
    own = {TITLE + language: _title_field(session, language) for language in languages_of(session.event)}
    own |= {URL + stream.slug: _url_field(stream) for stream in live_streams(session)}
    form_class = type("FormOfSession", (SessionForm,), own)
    form: SessionForm = form_class() if submitted else form_class(formdata=None, data=standing(session))
    return form


def standing(session: EventSession) -> dict[str, str]:
    """Return what stands of a session, as the fields of its form have it."""
    values = values_of(session)
    return {
        "revision": str(session.revision),
        "starts": html_time(values.starts),
        "ends": html_time(values.ends),
        "state": values.state.value,
        **{TITLE + language: title for language, title in values.title.items()},
        **{URL + slug: url for slug, url in values.urls.items()},
    }


def edited_rows(session: EventSession, wanted: SessionValues) -> list[Edited]:
    """Return what differs between a session and what it is to become, in the order of the form."""
    stands, zone = values_of(session), session.event.zone
    before = _span(session.starts_at, session.ends_at, zone)
    after = _span(to_utc(wanted.starts, zone), to_utc(wanted.ends, zone), zone)
    rows = [Edited(_("Time"), before, after), Edited(_("State"), [_state(stands)], [_state(wanted)])]
    for language in languages_of(session.event):
        titles = [[one.title.get(language, "")] for one in (stands, wanted)]
        rows.append(Edited(_title_label(language), titles[0], titles[1], language))
    for stream in live_streams(session):
        rows.append(Edited(_url_label(stream), [stands.urls[stream.slug]], [wanted.urls[stream.slug]]))
    return [row for row in rows if row.before != row.after]


def html_time(wall: datetime) -> str:
    """Return a naive wall time as `datetime-local` fields have it: "2026-05-26T10:00"."""
    return f"{wall:%Y-%m-%dT%H:%M}"


def _title_field(session: EventSession, language: str) -> Any:
    needed = [Needed(lambda: _("Write a title in the event's default language."))]
    is_default = language == session.event.default_language
    return LineField(
        _title_label(language),
        validators=[*(needed if is_default else ()), Writable(TITLE_LENGTH)],
        render_kw={"lang": language, "dir": direction(language)},
    )


def _url_field(stream: Stream) -> Any:
    return LineField(
        _url_label(stream),
        validators=[Needed(lambda: _("Write the address of this stream.")), Writable(SITE_LENGTH)],
        render_kw={"type": "url", "dir": "ltr"},
    )


def _title_label(language: str) -> str:
    return _("Title: %(language)s", language=name_here(language))


def _url_label(stream: Stream) -> str:
    """Name a live stream by its label, its language, and who may know its address."""
    audience = _("for everybody") if stream.audience is Audience.PUBLIC else _("for confirmed participants")
    parts = (text(stream.label), stream_language_name(stream.language), audience)
    return _("Live stream: %(stream)s", stream=" · ".join(part for part in parts if part))


def _state(values: SessionValues) -> str:
    return str(SESSION_STATES[values.state])


def _span(starts_at: datetime, ends_at: datetime, zone: str) -> list[str]:
    """Return the times in the event's zone and in UTC."""
    return [str(times) for times in all_times(starts_at, ends_at, zone, page_language())]


def _shown(name: str, value: str) -> str:
    """Return the value of a field as people read it."""
    if name == "state":
        return str(SESSION_STATES[SessionState(value)])
    return value.replace("T", " ") if name in ("starts", "ends") else value or "–"
