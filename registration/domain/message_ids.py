"""What a mail is called: the same in every try, and telling nobody anything (RFC 5322, 3.6.4)."""

from __future__ import annotations

import re

from registration.extensions import keyring
from registration.models import Delivery

DIGEST_LENGTH = 16
_MESSAGE_ID = re.compile(rf"<(?P<digest>[0-9a-f]{{{2 * DIGEST_LENGTH}}})@(?P<domain>[^<>@\s]+)>")


def message_id(delivery: Delivery, domain: str, *, version: str = "") -> str:
    """Return the Message-ID (RFC 5322, 3.6.4): the same in every try of one delivery, and telling nothing.

    `version`: which of the things it may say the mail says; servers may drop a second mail with the same Message-ID.
    """
    said = f"{delivery.key}/{delivery.resend}{version and f'/{version}'}"
    digest = keyring.keys.digest("message-id", said)[:DIGEST_LENGTH]
    return f"<{digest.hex()}@{domain}>"


def digest_in(message_id: str, domain: str) -> bytes | None:
    """Return the digest in a Message-ID that `message_id` may have made for this domain; None for every other."""
    found = _MESSAGE_ID.fullmatch(message_id.strip())
    return bytes.fromhex(found["digest"]) if found and found["domain"].lower() == domain.lower() else None
