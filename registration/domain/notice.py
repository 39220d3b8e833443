"""Which mail somebody is owed about a session: a rule of what they hold, what stands, and what they were told.

What somebody holds is a `Standing`; what was told and what stands are `Facts`. Edits that undo each other leave both
equal, and owe nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from registration.domain.calendars.invitations import Method
from registration.domain.facts import Change, Facts, changes_between
from registration.models.invitation import Standing

HOLDING = frozenset({Standing.INVITED, Standing.INFORMED})


@dataclass(frozen=True)
class Notice:
    """What one mail has to say of one session to somebody who holds `holds`, and after it `becomes`.

    `changes`: what organizers changed since they were told `before` (None for who was told nothing). `own`: whether
    the person's own doing owes it, in part at least.
    """

    holds: Standing
    becomes: Standing
    changes: frozenset[Change] = frozenset()
    before: Facts | None = None
    own: bool = False

    @property
    def method(self) -> Method | None:
        """What the mail asks of the reader's calendar (RFC 5546, 1.4); None: it is a plain mail."""
        if self.becomes is Standing.INVITED:
            return Method.REQUEST
        return Method.CANCEL if self.holds is Standing.INVITED else None


def standing_due(*, takes_part: bool, takes_place: bool, by_invitation: bool) -> Standing:
    """Return what somebody should hold of a session."""
    if not (takes_part and takes_place):
        return Standing.CANCELLED
    return Standing.INVITED if by_invitation else Standing.INFORMED


def notice_owed(
    holds: Standing, due: Standing, before: Facts | None, after: Facts, *, takes_part: bool, words_changed: bool
) -> Notice | None:
    """Return what somebody is owed who `holds` one thing and is `due` another, if anything.

    `before` is what they were told last, `after` what stands. Who is not invited by mail is told what organizers
    change; of their own doing the mails about the registration tell.
    """
    if holds is Standing.NONE or before is None or has_left(holds, before):
        return Notice(holds, due, own=True) if due is Standing.INVITED else None
    changes = changes_between(before, after) if takes_part else frozenset()
    own = holds in HOLDING and not changes & {Change.CANCELLED} and _is_own(holds, due, words_changed)
    return Notice(holds, due, changes, before, own) if changes or own else None


def has_left(holds: Standing, before: Facts) -> bool:
    """Whether an entry has ended by the person's own doing, for the session took place when they were told."""
    return holds is Standing.CANCELLED and before.takes_place


def _is_own(holds: Standing, due: Standing, words_changed: bool) -> bool:
    if due is Standing.INVITED:
        return holds is not due or words_changed
    return holds is Standing.INVITED
