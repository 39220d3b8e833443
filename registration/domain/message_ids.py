"""What a mail is called: the same in every try, and telling nobody anything (RFC 5322, 3.6.4)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from registration.extensions import keyring
from registration.models import Delivery

DIGEST_LENGTH = 16
_MESSAGE_ID = re.compile(rf"<(?P<digest>[0-9a-f]{{{2 * DIGEST_LENGTH}}})@(?P<domain>[^<>@\s]+)>")


def message_id(deliveries: Sequence[Delivery], domain: str, *, version: str = "") -> str:
    """Return the Message-ID of the mail that settles these deliveries: the same in every try, and telling nothing.

    Servers may drop a second mail with the same Message-ID. So it is another where more deliveries have joined in, and
    for each `version` of what one delivery may come to say.
    """
    owed = "+".join(f"{one.key}/{one.resend}" for one in deliveries)
    digest = keyring.keys.digest("message-id", f"{owed}{version and f'/{version}'}")[:DIGEST_LENGTH]
    return f"<{digest.hex()}@{domain}>"


def digest_in(message_id: str, domain: str) -> bytes | None:
    """Return the digest in a Message-ID that `message_id` may have made for this domain; None for every other."""
    found = _MESSAGE_ID.fullmatch(message_id.strip())
    return bytes.fromhex(found["digest"]) if found and found["domain"].lower() == domain.lower() else None
