"""When an address gets the mails that ask it for proof: a few in an hour, whoever types it, and each in its turn."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete

from registration.domain import owing
from registration.extensions import db
from registration.models import Registration
from registration.models.delivery import DeliveryKind
from registration.models.registration import RegistrationState

PROOF_TIME = timedelta(days=2)
"""How long a link that proves an address is good."""
PROOFS_PER_HOUR = 5
"""How many mails that ask for proof one address gets in an hour, whatever is typed with it."""


def next_turn(known: Sequence[Registration], *, now: datetime) -> datetime:
    """Return when an address with these sign-ups gets its next mail that asks for proof.

    Where so many wait that the time of a proof would be over, one of them by lot gives its turn to the newcomer, and
    is deleted: nobody is kept out for good, and nobody knows whom of them the address belongs to.
    """
    due = owing.due_since(known, DeliveryKind.PROVE, now - timedelta(hours=1))
    if len(due) < PROOFS_PER_HOUR:
        return now
    following = due[PROOFS_PER_HOUR - 1] + timedelta(hours=1)
    if following < now + PROOF_TIME:
        return following
    given_up, turn = secrets.choice(owing.turns_waiting(known, DeliveryKind.PROVE, now=now))
    unproved = (Registration.id == given_up, Registration.state == RegistrationState.UNVERIFIED)
    db.session.execute(delete(Registration).where(*unproved))
    return turn


def owe_again(registration: Registration, known: Sequence[Registration], *, now: datetime) -> None:
    """Owe the mail of a sign-up once more, in its turn, unless one has just left or waits. `known`: all sign-ups of the
    address."""
    if not owing.told_lately(registration, (DeliveryKind.PROVE,), now=now):
        due = next_turn(known, now=now)
        registration.expires_at = due + PROOF_TIME
        owing.owe(registration, DeliveryKind.PROVE, useful_until=registration.expires_at, due=due, now=now)
