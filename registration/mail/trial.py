"""A mail sent on trial to who wrote it, at once and past the outbox: what comes of it is told on the page."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from flask_babel import gettext as _

from registration.domain.outbox import Outcome
from registration.keys import new_public_id
from registration.mail.letter import Letter
from registration.mail.posting import finished, message_of, postman, sender_domain


def send_trial(letter: Letter, address: str, *, now: datetime) -> Outcome:
    """Send a letter to an organizer's own address, marked as a trial. Raises Unreachable.

    The letter is a stand-in's (`domain.stand_ins`), so it holds no key of a real person's.
    """
    marked = replace(letter, to=address, subject=_("[Test] %(subject)s", subject=letter.subject))
    message_id = f"<{new_public_id()}@{sender_domain()}>"
    with postman() as post:
        return post.post(finished(message_of(marked, message_id=message_id, now=now)), lambda: True)
