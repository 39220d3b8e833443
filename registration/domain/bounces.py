"""Bounces: mail servers' reports that a mail did not arrive (delivery status notifications, RFC 3464).

Anybody can write such a report about anybody. So the mail is found by its Message-ID alone, out of the headers that the
report sends back: 128 bits of a keyed hash, another in every mail, which nobody knows but who had that mail on its way.
Addresses and names in a report count for nothing.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser

from sqlalchemy import and_, select, update

from registration.domain.message_ids import digest_in
from registration.domain.statuses import is_hard, status_at_start, status_of_reply
from registration.domain.stopped import stop
from registration.extensions import db
from registration.models import Delivery, Registration
from registration.models.delivery import DeliveryState

FAILED = "failed"
"""The only action (RFC 3464, 2.3.3) after which nobody tries any more."""
_SMTP_REPLY = re.compile(r"smtp;\s*(?P<code>[45]\d\d)[ -](?P<text>.*)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Bounce:
    """What a report says of one of our mails. `digest`: of its Message-ID (`message_ids.message_id`); `action`: failed,
    delayed, delivered, relayed or expanded; `status`: the enhanced status (RFC 3463) that says why."""

    digest: bytes
    action: str
    status: str


class Outcome(enum.StrEnum):
    """What became of a report."""

    NOTED = "noted"
    STOPPED = "stopped"
    """Noted, and no more is sent to the address."""
    NOT_FAILED = "not_failed"
    """It is late, or has arrived after all."""
    UNKNOWN = "unknown"
    """No such mail, or it is known already that it came back."""


def read_bounce(message: bytes, *, domain: str) -> Bounce | None:
    """Return what a mail (RFC 5322) reports of one of our mails, or None for every other mail. `domain`: where our
    Message-IDs are. Raises nothing, whatever the bytes are.

    A report without the headers of the mail it is about says nothing that anybody could trust. Over bytes that are made
    for it, it takes a long time: Python's email compares each line with every boundary.
    """
    try:
        return _bounce(message_from_bytes(message), domain)
    except Exception:  # noqa: BLE001 - nobody can list what parsers raise on the mails of strangers
        return None


def note(bounce: Bounce, *, now: datetime) -> Outcome:
    """Note with the mail that it came back, within the caller's unit of work; where the address is no good, nothing
    more is sent to it.

    A report that comes twice, or after an organizer has had the mail sent again, changes nothing. Where the server took
    a mail and we could not hear it say so, that mail is still tried again unless the address is no good.
    """
    if bounce.action != FAILED:
        return Outcome.NOT_FAILED
    mine = and_(
        Delivery.message_digest == bounce.digest,
        Delivery.state.in_((DeliveryState.SENT, DeliveryState.WAITING)),
    )
    address = (
        select(Registration.address_hash)
        .join(Delivery, Delivery.registration_id == Registration.id)
        .where(mine)
        .limit(1)
    )
    address_hash = db.session.execute(address).scalar()
    if address_hash is None:
        return Outcome.UNKNOWN
    hard = is_hard(bounce.status)
    if hard:
        stop(address_hash, bounce.status, now=now)
    db.session.execute(
        update(Delivery)
        .where(Delivery.message_digest == bounce.digest, Delivery.state == DeliveryState.SENT)
        .values(state=DeliveryState.BOUNCED, reply_status=bounce.status, settled_at=now)
        .execution_options(synchronize_session=False)
    )
    return Outcome.STOPPED if hard else Outcome.NOTED


def _bounce(message: Message, domain: str) -> Bounce | None:
    """Return what a report says: its parts themselves, not those of mails that it encloses."""
    kind = str(message.get_param("report-type") or "").lower()
    if message.get_content_type() != "multipart/report" or kind not in ("delivery-status", ""):
        return None
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    digests = [digest for part in parts for digest in _digests(part, domain)]
    said = [one for part in parts if part.get_content_type() == "message/delivery-status" for one in _said(part)]
    if len(set(digests)) != 1 or not said:
        return None
    # Some mailboxes pass mail on to several: it has failed if it has for all, and for the mildest reason.
    mildest = min(said, key=lambda one: (one[0] == FAILED, is_hard(one[1])))
    return Bounce(digests[0], *mildest)


def _digests(part: Message, domain: str) -> Iterator[bytes]:
    """Yield the digests in our Message-IDs among the headers of the mail that a part sends back."""
    returned: Message | None = None
    if part.get_content_type() == "message/rfc822" and part.is_multipart():
        returned = part.get_payload(0)  # type: ignore[assignment]  # the only part of such a part is a message
    elif part.get_content_type() == "text/rfc822-headers":
        content = part.get_payload(decode=True)
        returned = BytesHeaderParser().parsebytes(content.lstrip()) if isinstance(content, bytes) else None
    for message_id in returned.get_all("Message-ID", []) if returned is not None else []:
        digest = digest_in(str(message_id), domain)
        if digest is not None:
            yield digest


def _said(part: Message) -> Iterator[tuple[str, str]]:
    """Yield the action and the status of each recipient (RFC 3464, 2.3); the first block is about the report."""
    blocks = part.get_payload() if part.is_multipart() else []
    for block in blocks:
        if isinstance(block, Message) and block["Action"]:
            yield str(block["Action"]).strip().lower(), _status(block)


def _status(block: Message) -> str:
    """Return why: a status that says nothing (X.0.0) gives way to the one in the server's own reply."""
    status = status_at_start(str(block["Status"] or "").strip()) or "5.0.0"
    reply = _SMTP_REPLY.match(str(block["Diagnostic-Code"] or "").strip())
    if status.endswith(".0.0") and reply:
        return status_of_reply(int(reply["code"]), reply["text"]) or status
    return status
