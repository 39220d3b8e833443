"""Who is asking, and what they may see: the guards of pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, abort, current_app, g, redirect, request, session, url_for
from flask_babel import lazy_gettext as _l
from flask_login import UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from registration import clock, security_log
from registration.domain import desk_sessions, second_factor
from registration.domain.access import Action, may
from registration.domain.catalogue import whole_event
from registration.domain.programme import event_named
from registration.errors import NotFound
from registration.extensions import login, writing
from registration.models import Event, Organizer, OrganizerSession
from registration.models.event import EventState
from registration.web.display import use_language

View = Callable[..., Any]
OPEN_WITHOUT_FACTOR = frozenset(
    f"organizer.{name}" for name in ("second_factor", "begin_second_factor", "confirm_second_factor", "sign_out")
)
"""Where every account needs a second factor, what is open to one that has none yet."""
OWN_PATH = re.compile(r"/organizer/[A-Za-z0-9/_-]*(\?[A-Za-z0-9=&%._+-]*)?")


class SignedIn(UserMixin):
    """What Flask-Login holds: one session of an organizer. Its id is the token, of which we keep only a digest."""

    def __init__(self, token: str, row: OrganizerSession) -> None:
        self.token = token
        self.row = row

    def get_id(self) -> str:
        """Return what the cookie carries."""
        return self.token


def init_app(app: Flask) -> None:
    """Let Flask-Login find our sessions.

    Its own protection of sessions, by browser and network, and its cookie that remembers are not for us: our sessions
    are rows that end. The hook for that cookie would open the session on public pages too.
    """
    login.session_protection = None  # type: ignore[assignment]
    login.user_loader(_signed_in_with)
    hooks = app.after_request_funcs[None]
    hooks[:] = [hook for hook in hooks if hook != login._update_remember_cookie]


def current_session() -> OrganizerSession | None:
    """Return the session of the organizer who asks; None also where the second factor is still to be set up."""
    found = _signed_in()
    return found.row if found and not lacks_factor() else None


def current_organizer() -> Organizer | None:
    """Return the organizer who asks."""
    found = current_session()
    return found.organizer if found else None


def lacks_factor() -> bool:
    """Whether somebody asks who is signed in and has to set up a second factor before anything else."""
    found, settings = _signed_in(), current_app.config["PLENARY"]
    needs_one = settings.require_second_factor and request.endpoint not in OPEN_WITHOUT_FACTOR
    return found is not None and needs_one and not second_factor.is_on(found.row.organizer)


def visible_event(slug: str) -> Event:
    """Return an event, whole and for reading alone, in whose language the page then speaks.

    Raises NotFound where there is none, and for a draft unless an organizer who may see it asks.
    """
    event = whole_event(slug)
    if event.state is EventState.DRAFT:
        organizer = current_organizer()
        if organizer is None or not may(organizer, Action.SEE_NUMBERS, event):
            raise NotFound(_l("There is no such event; the list of events has them all."))
    use_language(event.default_language)
    return event


def for_event(action: Action) -> Callable[[View], View]:
    """Guard a view of one event, which gets the event in place of its slug.

    Who is signed out goes to the sign-in page and comes back; who has no role on the event is told that there is none;
    who has one that does not allow the action is told so. The guarded view has `action`, by which tests know it.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(event_slug: str, **arguments: Any) -> Any:
            organizer = current_organizer()
            if organizer is None:
                return to_sign_in()
            event = event_named(event_slug)
            if not may(organizer, action, event):
                _note_refusal(organizer, event)
            if not may(organizer, Action.SEE_NUMBERS, event):
                raise NotFound(_l("There is no such event; the list of events has them all."))
            if not may(organizer, action, event):
                abort(403)
            use_language(event.default_language)
            return view(event=event, **arguments)

        guarded.action = action  # type: ignore[attr-defined]
        return guarded

    return guard


def _note_refusal(organizer: Organizer, event: Event) -> None:
    security_log.refused("access_refused", account=organizer.public_id, page=request.endpoint, event=event.slug)


def to_sign_in() -> Response:
    """Send somebody who is signed out to the sign-in page, from which a page that was asked for by GET comes next."""
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("organizer.sign_in", next=wanted), 303)


def is_own_path(target: str) -> bool:
    """Whether a redirect to `target` stays with us: a path from the root, no address of another host."""
    return OWN_PATH.fullmatch(target) is not None


def sign_in(token: str) -> None:
    """Let the session of this token be this browser's; an old one ends."""
    sign_out()
    row = desk_sessions.with_token(token, now=clock.now())
    if row is not None:
        login_user(SignedIn(token, row))


def sign_out() -> None:
    """End the session here and in the browser."""
    found = _signed_in()
    if found:
        with writing():
            desk_sessions.end(found.token)
    logout_user()
    session.clear()
    g.pop("_login_user", None)


def _signed_in() -> SignedIn | None:
    user = current_user._get_current_object()
    return user if isinstance(user, SignedIn) else None


def _signed_in_with(token: str) -> SignedIn | None:
    now = clock.now()
    row = desk_sessions.with_token(token, now=now)
    if row is None:
        return None
    if desk_sessions.needs_seen(row, now=now):
        with writing():
            row = desk_sessions.with_token(token, now=now)
            if row is not None:
                row.seen_at = now
        row = desk_sessions.with_token(token, now=now)
    return SignedIn(token, row) if row is not None else None
