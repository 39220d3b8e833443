"""Handing a batch of mails over, one commit each: read, write, look once more before DATA, record the answer.

What changes meanwhile is not sent, but written anew in the next batch.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from registration import clock
from registration.domain import invitations, message_ids, outbox, stopped
from registration.domain.invitations import Told
from registration.domain.outbox import Marks, Outcome
from registration.domain.owed import is_owed, read_ahead, still_owed
from registration.extensions import DATABASE_AWAY, db, holding, writing, writing_apart
from registration.mail.answers import Withdrawn
from registration.mail.letters import letter_for
from registration.mail.posting import FilePostman, Finished, Postman, Unreachable, finished, message_of, sender_domain
from registration.mail.recording import Stop, surely
from registration.models import Delivery

logger = logging.getLogger("plenary.mail")


@dataclass(frozen=True)
class Written:
    """A mail as it is handed over: `message` is None where it could not be written."""

    delivery_ids: list[int]
    marks: Marks
    """What was so when it was read."""
    message: Finished | None = None
    digest: bytes | None = None
    told: Sequence[Told] = ()


@dataclass
class Batch:
    """One worker's claim, and what was read of it at once; `left`: what is still to be handed over."""

    owner: str
    stop: Stop
    left: list[int]
    marks: Marks = field(default_factory=dict)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    bulk: frozenset[int] | None = None
    """What can be read at once; None before the first reading."""

    def read(self) -> None:
        """Read what can be read at once; the marks first, so that they tell of whatever changes while it is read."""
        self.marks = outbox.marks(self.left, owner=self.owner, now=clock.now())
        self.deliveries = read_ahead(self.left)
        if self.bulk is None:
            self.bulk = frozenset(self.deliveries)
        db.session.commit()

    def forget(self) -> None:
        """Read anew whatever is needed from now on."""
        self.deliveries = {}
        db.session.expire_all()

    def ahead(self, delivery_ids: list[int]) -> list[Delivery] | None:
        """Return the deliveries of one mail as they were read at once; None where that is not for them."""
        if not self.bulk or not self.bulk.issuperset(delivery_ids):
            return None
        if not self.deliveries:
            self.read()
        if not all(one in self.deliveries and one in self.marks for one in delivery_ids):
            return None
        return [self.deliveries[one] for one in delivery_ids]


def hand_over(
    mails: Sequence[list[int]], owner: str, post: Postman | FilePostman, stop: Stop, goes_on: Callable[[], bool]
) -> int:
    """Hand over what `owner` has claimed while it `goes_on`. Returns how many mails were tried.

    It ends early where a mail was withdrawn: what was read for the others may be as old. Raises Unreachable, and the
    database's error where that takes nothing down when it is to `stop`.
    """
    batch = Batch(owner, stop, [one for mail in mails for one in mail])
    tried = 0
    with holding():
        batch.read()
        for delivery_ids in mails:
            if not goes_on():
                break
            tried += 1
            if not _send(delivery_ids, batch, post):
                break
            batch.left = batch.left[len(delivery_ids) :]
    return tried


def _send(delivery_ids: list[int], batch: Batch, post: Postman | FilePostman) -> bool:
    """Hand one mail over and record how it went. Returns False where it was withdrawn."""
    written = _written(delivery_ids, batch)
    if not written.delivery_ids:
        return True
    try:
        outcome = _posted(written, batch, post)
    except Withdrawn:
        return False
    surely(lambda: _settle(written, outcome, batch), batch.stop)
    return True


def _posted(written: Written, batch: Batch, post: Postman | FilePostman) -> Outcome:
    """Return how handing over ended; a fault that nobody foresaw is one of this mail, and holds up no other."""
    if written.message is None:
        return Outcome(sent=False)
    try:
        return post.post(written.message, lambda: _stands(written, batch.owner))
    except (Withdrawn, Unreachable, *DATABASE_AWAY):
        raise
    except Exception as error:  # noqa: BLE001 - it would stand before all others in the next batch too
        logger.error("a mail cannot be handed over (%s)", type(error).__name__)
        return Outcome(sent=False)


def _written(delivery_ids: list[int], batch: Batch) -> Written:
    """Drop what is not owed any more, and write the mail of the rest; no transaction is open afterwards.

    A letter that cannot be written waits like one that could not be sent; where the database is away, no letter is to
    blame. Only the kind of fault is logged: a traceback would quote the person's data.
    """
    now = clock.now()
    marks, owed = _owed(delivery_ids, batch)
    owed_ids = [delivery.id for delivery in owed]
    written = Written(owed_ids, {one: mark for one, mark in marks.items() if one in owed_ids})
    if owed:
        try:
            letter = letter_for(owed, now=now)
            message_id = message_ids.message_id(owed, sender_domain(), version=letter.version)
            message = finished(message_of(letter, message_id=message_id, now=now))
            digest = message_ids.digest_in(message_id, sender_domain())
            written = Written(owed_ids, written.marks, message, digest, letter.told)
        except DATABASE_AWAY:
            raise
        except Exception as error:  # noqa: BLE001 - one letter must not hold up the others
            logger.error("a %s letter cannot be written (%s)", owed[0].kind, type(error).__name__)
    db.session.commit()
    gone = sorted(set(delivery_ids) - set(owed_ids))
    if gone:
        _drop(gone, batch)
    return written


def _owed(delivery_ids: list[int], batch: Batch) -> tuple[Marks, list[Delivery]]:
    """Return the marks, and what is still to be sent: by what was read at once, or read now."""
    now = clock.now()
    ahead = batch.ahead(delivery_ids)
    if ahead is not None:
        return batch.marks, [one for one in ahead if is_owed(one, now=now)]
    batch.forget()
    marks = outbox.marks(delivery_ids, owner=batch.owner, now=now)
    return marks, [found for one in delivery_ids if (found := still_owed(one, owner=batch.owner, now=now))]


def _drop(delivery_ids: list[int], batch: Batch) -> None:
    """Settle what is owed no longer, if that is still so under lock."""
    now = clock.now()
    batch.forget()
    with writing():
        sure = [one for one in delivery_ids if not still_owed(one, owner=batch.owner, now=now, locked=True)]
        outbox.drop(sure, owner=batch.owner, now=now)


def _stands(written: Written, owner: str) -> bool:
    """Whether all that the mail is made from is as it was, and `owner` still holds all of it."""
    marks = outbox.marks(written.delivery_ids, owner=owner, now=clock.now())
    return len(marks) == len(written.delivery_ids) and marks == written.marks


def _settle(written: Written, outcome: Outcome, batch: Batch) -> None:
    """Record how a try ended, and what the mail told if it was handed over, in one commit."""
    now = clock.now()
    settle = partial(outbox.settle, written.delivery_ids, outcome, owner=batch.owner, digest=written.digest, now=now)
    if outcome.sent and not written.told:
        with writing_apart() as connection:
            settle(connection=connection)
        return
    batch.forget()
    with writing():
        if outcome.sent:
            settle()
            invitations.note(written.told, now=now)
        else:
            stopped.stop_if_refused(written.delivery_ids, outcome.status, now=now)
            settle()
