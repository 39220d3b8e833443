"""The words for one person's mails: which mail it is, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from registration.domain.mail_status import Sent, is_too_late
from registration.models import Delivery
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState as State
from registration.timetext import short_moment_text
from registration.web.display import page_language, text

KINDS: dict[Kind, LazyString] = {
    Kind.PROVE: _l("Link to confirm the address"),
    Kind.ALREADY: _l("Word that this address is registered, with the link"),
    Kind.LINK: _l("The lost link"),
    Kind.IN_REVIEW: _l("Registration in review"),
    Kind.WAITING: _l("Waiting list"),
    Kind.CONFIRMED: _l("Confirmation"),
    Kind.DECLINED: _l("Registration declined"),
    Kind.CANCELLED: _l("Registration cancelled"),
    Kind.CHANGED: _l("Changes of the registration"),
    Kind.REMINDER: _l("Reminder"),
    Kind.INVITATION: _l("Invitation"),
    Kind.ADDED: _l("New session"),
    Kind.ANNOUNCEMENT: _l("Announcement"),
    Kind.FAREWELL: _l("Word that all is erased"),
}
REASONS: dict[str, LazyString] = {
    "1.1": _l("There is no such mailbox"),
    "1.2": _l("There is no such domain, or it takes no mail"),
    "1.3": _l("This is not written like a mail address"),
    "1.4": _l("The address stands for several mailboxes"),
    "1.6": _l("The mailbox has moved and left no new address"),
    "1.7": _l("Our sender’s address was refused"),
    "1.8": _l("Our sender’s address was refused"),
    "1.10": _l("The domain takes no mail"),
    "2.1": _l("The mailbox is switched off"),
    "2.2": _l("The mailbox is full"),
    "2.3": _l("The mail was too large for the mailbox"),
    "3.1": _l("The mail server has no room"),
    "3.2": _l("The mail server takes no mail just now"),
    "3.4": _l("The mail was too large for the mail server"),
    "4.1": _l("The mail server did not answer"),
    "4.2": _l("The connection to the mail server broke"),
    "4.3": _l("The name of the mail server could not be looked up"),
    "4.4": _l("There is no way to the domain of this address"),
    "4.6": _l("The mail was sent round in a circle"),
    "4.7": _l("It could not be delivered for too long"),
    "1": _l("Something is wrong with the address"),
    "2": _l("Something is wrong with the mailbox"),
    "3": _l("The mail server has a fault"),
    "4": _l("The mail server could not be reached"),
    "5": _l("The mail servers did not understand each other"),
    "6": _l("The mail server cannot carry what is in the mail"),
    "7": _l("Refused as unwanted"),
    "421": _l("The mail server takes no mail just now"),
    "450": _l("The mailbox is busy, or the mail server asks us to come again"),
    "451": _l("The mail server has a fault"),
    "452": _l("The mail server has no room"),
    "550": _l("The mailbox is not there, or takes no mail from us"),
    "552": _l("The mailbox is full"),
    "553": _l("This is not written like a mail address"),
    "554": _l("The mail server refused the mail"),
}
"""Why, by subject and detail of an enhanced status (RFC 3463), or by its subject; else by the SMTP code (RFC 5321)."""


@dataclass(frozen=True)
class Line:
    """One mail as the table shows it. `id`: its delivery's, where it can be sent again."""

    name: str
    due: str
    state: State
    words: str
    id: int | None


def mail_lines(mails: Sequence[Sent], zone: str, *, names_announcements: bool) -> list[Line]:
    """Return the lines of somebody's mails, with times in a zone.

    An announcement's subject may tell whom it was for: `names_announcements` only for who may know that.
    """
    return [
        Line(
            name=mail_name(one.delivery, names_announcements=names_announcements),
            due=short_moment_text(one.delivery.due_at, zone, page_language()),
            state=one.delivery.state,
            words=fate_text(one.delivery, zone),
            id=one.delivery.id if one.can_go_again else None,
        )
        for one in mails
    ]


def reason_text(status: str | None, code: int | None = None) -> str:
    """Return why a mail was not taken: "There is no such mailbox (5.1.1)"; where there are no words for it, numbers."""
    number = status or str(code or "")
    if not number:
        return _("The mail server did not answer")
    detail = status.partition(".")[2] if status else number
    words = REASONS.get(detail) or REASONS.get(detail.partition(".")[0])
    return f"{words} ({number})" if words else number


def mail_name(delivery: Delivery, *, names_announcements: bool) -> str:
    """Return what a mail is called, by its session where it is about one; `names_announcements` as in `mail_lines`."""
    if delivery.session is not None:
        session = text(delivery.session.title)
        if delivery.kind is Kind.REMINDER:
            return _("Reminder of %(session)s", session=session)
        if delivery.kind is Kind.INVITATION:
            return _("Invitation to %(session)s", session=session)
        return f"{KINDS[delivery.kind]}: {session}"
    if delivery.announcement is not None and names_announcements:
        return _("Announcement: %(subject)s", subject=text(delivery.announcement.subject))
    return str(KINDS[delivery.kind])


def fate_text(delivery: Delivery, zone: str) -> str:
    """Return what has become of a mail, with times in a zone."""
    if delivery.state is State.WAITING:
        return _waiting(delivery, zone)
    at = short_moment_text(delivery.settled_at or delivery.due_at, zone, page_language())
    why = reason_text(delivery.reply_status, delivery.reply_code)
    match delivery.state:
        case State.SENT:
            return _("Handed over to the mail server: %(time)s", time=at)
        case State.FAILED:
            return _("Refused for good: %(why)s. %(time)s", why=why, time=at)
        case State.BOUNCED:
            return _("Came back: %(why)s. %(time)s", why=why, time=at)
        case State.STOPPED:
            return _("Not sent, for this address takes no mail. %(time)s", time=at)
        case _ if is_too_late(delivery):
            return _("Missed: not sent, for it would have come too late. %(time)s", time=at)
        case _:
            return _("Not sent, for it was not needed any more. %(time)s", time=at)


def _waiting(delivery: Delivery, zone: str) -> str:
    if not delivery.tries:
        return _("Waits to be sent.")
    tries = ngettext("Waits after %(num)s try", "Waits after %(num)s tries", delivery.tries)
    why = reason_text(delivery.reply_status, delivery.reply_code)
    at = short_moment_text(delivery.next_try_at, zone, page_language())
    return f"{tries} ({why}). " + _("Tried again: %(time)s", time=at)
