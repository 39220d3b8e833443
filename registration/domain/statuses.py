"""What mail servers say of a mail, in numbers: enhanced status codes (RFC 3463), and which mean that an address is no
good."""

from __future__ import annotations

import re

HARD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
"""The address itself takes no mail, and will not: no such mailbox (X.1.1), no such domain (X.1.2, X.4.4), no address
at all (X.1.3), one of several people (X.1.4), moved away (X.1.6), a domain that takes no mail (X.1.10, RFC 7505), a
mailbox that is switched off (X.2.1).

Not so a sender that is refused (X.1.7, X.1.8), a full mailbox (X.2.2), a mail that is too long (X.2.3, X.3.4), what it
says (X.6.Z) or what somebody thinks of it (X.7.Z); nor X.1.0 and X.4.1, which some servers say for all of these."""

_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?![\d.])")


def status_at_start(text: str) -> str | None:
    """Return the enhanced status that a text begins with, if any."""
    found = _STATUS.match(text)
    return found[0] if found else None


def status_of_reply(code: int, text: bytes | str) -> str | None:
    """Return the enhanced status at the start of an SMTP reply's text (RFC 2034, 4), if its class is the code's."""
    said = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    status = status_at_start(said)
    return status if status and status[0] == str(code)[0] else None


def is_hard(status: str | None) -> bool:
    """Whether a status says that the address itself takes no mail."""
    return status in HARD


def is_of_us(status: str | None) -> bool:
    """Whether a refusal may be of us and not of this mail: the sender (X.1.7, X.1.8), or what somebody thinks of it
    (X.7.Z, "relay access denied"). Servers say so to RCPT, for each recipient anew."""
    return status is not None and (status in ("5.1.7", "5.1.8") or status.startswith("5.7."))
