"""The participant's own page: see, change, cancel, without a password."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from config import Settings
from registration import clock
from registration.domain import (
    admission,
    announcement_mails,
    feeds,
    invitations,
    livestream,
    own_links,
    participation,
    privacy,
)
from registration.domain.calendars.add_links import add_links
from registration.domain.catalogue import whole_event
from registration.domain.link_keys import LinkKind, key_for, registration_of
from registration.domain.personal import open_personal
from registration.domain.programme import open_sessions, takes_place
from registration.domain.stopped import stop_of
from registration.errors import NotFound
from registration.extensions import limiter, writing
from registration.links import public_url
from registration.mail.announcement_letters import words_on_own_page
from registration.mail.own_words import OwnWords
from registration.models import EventSession, Registration
from registration.models.event import EventState
from registration.models.registration import RegistrationState
from registration.web.clock_words import clock_lines
from registration.web.display import page_language, use_language
from registration.web.headers import forget_here
from registration.web.own_form import BY_INVITATION, BY_OWN_HAND, OwnForm

blueprint = Blueprint("participant", __name__)

COOKIE_DAYS = 60


@blueprint.get("/my/<key:key>/")
def enter(key: str) -> Response:
    """Exchange the key in a personal link for a cookie at once, so that the address shows no key any more."""
    return remember(redirect(url_for("participant.own"), 303), registration_of(key, LinkKind.MANAGE))


@blueprint.get("/my/")
def own() -> str:
    """Show the participant's own page."""
    registration = own_registration()
    return _page(registration, _form(registration, submitted=False))


@blueprint.post("/my/")
@limiter.limit("60 per hour")
def change() -> tuple[str, int] | Response:
    """Take changed wishes."""
    registration = own_registration()
    form = _form(registration, submitted=True)
    if not form.validate():
        return _page(registration, form), 422
    wishes = form.wishes(registration)
    with writing():
        registration = own_registration()
        changed = participation.change(registration, wishes, now=clock.now())
        response = remember(redirect(url_for("participant.own"), 303), registration)
    flash(_("Your changes are kept; a mail says so too.") if changed else _("Nothing was changed."))
    return response


@blueprint.post("/my/cancel/")
def cancel() -> Response:
    """Cancel the registration."""
    with writing():
        participation.cancel(own_registration(), now=clock.now())
    flash(_("Your registration is cancelled."))
    return redirect(url_for("participant.own"), 303)


@blueprint.post("/my/feed/off/", defaults={"on": False})
@blueprint.post("/my/feed/on/", defaults={"on": True})
def switch_feed(*, on: bool) -> Response:
    """Switch the own feed off or on."""
    with writing():
        participation.switch_feed(own_registration(), on=on, now=clock.now())
    flash(_("Your feed is on, at the address below.") if on else _("Your feed is off; its address opens nothing now."))
    return redirect(url_for("participant.own"), 303)


@blueprint.post("/my/reminders/off/", defaults={"on": False})
@blueprint.post("/my/reminders/on/", defaults={"on": True})
def switch_reminders(*, on: bool) -> Response:
    """Stop reminders and announcements, or send them again."""
    with writing():
        participation.switch_reminders(own_registration(), on=on, now=clock.now())
    flash(_("You get reminders and announcements again.") if on else _("You get no more reminders and announcements."))
    return redirect(url_for("participant.own"), 303)


@blueprint.post("/my/leave/")
def leave() -> Response:
    """Forget the key on this device and go to the list of events."""
    return without_key(redirect(url_for("public.events"), 303))


def without_key(response: Response) -> Response:
    """Return the response with word that this device forgets the participant's key."""
    response.delete_cookie(_cookie_name(), secure=_settings().https, httponly=True, samesite="Lax")
    return forget_here(response)


def remember(response: Response, registration: Registration) -> Response:
    """Return the response with the participant's key in a cookie that scripts cannot read. In discreet mode it goes
    with the browser's session: somebody else may pick up this device.

    Call it within the unit of work that has looked at the key: read anew, a row may have another's next one.
    """
    response.set_cookie(
        _cookie_name(),
        key_for(registration, LinkKind.MANAGE),
        max_age=None if registration.discreet else COOKIE_DAYS * 24 * 3600,
        secure=_settings().https,
        httponly=True,
        samesite="Lax",
    )
    return response


def own_registration() -> Registration:
    """Return whose page this is, by the key in the cookie, and speak their language. Raises NotFound."""
    key = request.cookies.get(_cookie_name(), "")
    if not key:
        raise NotFound(_l("Open this page by the link in your mail; the event page sends you a lost link again."))
    registration = registration_of(key, LinkKind.MANAGE)
    use_language(registration.language)
    return registration


def _form(registration: Registration, *, submitted: bool) -> OwnForm:
    wishes = participation.current_wishes(registration)
    chosen = set(wishes.session_ids)
    form = OwnForm(
        formdata=request.form if submitted else None,
        sessions=[one.slug for one in registration.event.sessions if one.id in chosen],
        stream_language=wishes.stream_language,
        zone=wishes.zone,
        discreet=wishes.discreet,
        language=wishes.language,
        neutral_title=wishes.neutral_title,
        calendar=BY_INVITATION if wishes.invitations else BY_OWN_HAND,
    )
    form.offer(whole_event(registration.event.slug))
    return form


def _page(registration: Registration, form: OwnForm) -> str:
    state = registration.state
    sessions = feeds.chosen_sessions(registration)
    return render_template(
        "participant/own.html",
        event=registration.event,
        registration=registration,
        personal=open_personal(registration),
        form=form,
        takes_place=takes_place,
        asked={"lang": page_language(), "stream": registration.stream_language},
        offered=open_sessions(whole_event(registration.event.slug)),
        sessions=sessions,
        feed_url=public_url("calendar.own_feed", key=key_for(registration, LinkKind.FEED)),
        by_invitation=invitations.by_invitation(registration),
        add_links=_add_links(registration, [one for one in sessions if takes_place(one)]),
        takes_part=state is RegistrationState.CONFIRMED and registration.event.state is not EventState.CANCELLED,
        feed_stands=registration.feed_on and state in feeds.TAKES_PART,
        rooms=lambda session: livestream.rooms(session, registration),
        position=admission.position(registration) if state is RegistrationState.WAITING else None,
        can_change=state in admission.ALIVE,
        messages=_messages(registration),
        forget_at=privacy.forget_at(registration.event),
        links=own_links.links_of(registration),
        gets_no_mail=stop_of(registration) is not None,
        clocks=clock_lines(registration.event, now=clock.now()),
    )


def _messages(registration: Registration) -> list[tuple[OwnWords, datetime]]:
    """Return what organizers have announced to this person, in their language, and when; the newest first."""
    now = clock.now()
    found = [
        (words_on_own_page(announcement, registration, now=now), sent_at)
        for announcement, sent_at in announcement_mails.messages_to(registration)
    ]
    return [(words, sent_at) for words, sent_at in found if words]


def _add_links(registration: Registration, sessions: list[EventSession]) -> list[tuple[EventSession, dict[str, str]]]:
    """Return for each session the links that add it to calendars on the web, in the person's words."""
    links = [add_links(entry) for entry in feeds.own_entries(registration, sessions)]
    return list(zip(sessions, links, strict=True))


def _cookie_name() -> str:
    return "__Host-my" if _settings().https else "my"


def _settings() -> Settings:
    settings: Settings = current_app.config["PLENARY"]
    return settings
