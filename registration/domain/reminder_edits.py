"""Edits of an event's reminder rules: one is added, changed, deleted, paused, resumed.

An edit holds at once. What waits to be sent by the old rule is taken back together with the note that it was made: a
mail in a worker's hand is withdrawn, and sweeps make anew what is or falls due, for those who have not had it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, exists, func, select, update

from registration.domain import admission
from registration.domain.reminder_values import RuleValues, faults, mark_of, reach_of, values_of
from registration.domain.reminders import id_of
from registration.errors import NotFound, Refusal
from registration.extensions import db
from registration.models import Delivery, Event, EventSession, ReminderRound, ReminderRule
from registration.models.delivery import DeliveryState

_PLAIN = {"synchronize_session": False}


def rule_called(event: Event, slug: str) -> ReminderRule:
    """Return a rule of the event. Raises NotFound."""
    for rule in event.reminder_rules:
        if rule.slug == slug:
            return rule
    raise NotFound(_l("There is no such reminder; the list of reminders has them all."))


def add(event: Event, wanted: RuleValues, *, paused: bool = False, now: datetime) -> ReminderRule:
    """Add a rule, which reminds nobody yet if it is `paused`. Raises Refusal for `faults`."""
    event = admission.lock_event(event.id)
    for refusal in faults(event, wanted, now=now):
        raise refusal
    taken = {one.slug for one in event.reminder_rules}
    numbers = range(1, len(taken) + 2)
    rule = ReminderRule(slug=next(slug for one in numbers if (slug := f"reminder-{one}") not in taken))
    rule.paused = paused
    _bring(rule, wanted)
    event.reminder_rules.append(rule)
    _raise_version(event, now)
    return rule


def change(rule: ReminderRule, wanted: RuleValues, *, seen: str, now: datetime) -> bool:
    """Make a rule what is wanted. `seen`: the mark that the organizer who edits has seen. Returns whether anything
    changed. Raises Refusal for `faults`, and if somebody else has changed the rule since."""
    event = _lock(rule)
    before = reach_of(rule)
    if wanted == values_of(rule):
        return False
    if seen != mark_of(rule):
        raise Refusal(
            _l("Somebody has changed this reminder in the meantime; compare with what stands now, and send it again.")
        )
    for refusal in faults(event, wanted, now=now):
        raise refusal
    _bring(rule, wanted)
    if reach_of(rule) != before:
        begin_anew([rule.id], now=now)
    _raise_version(event, now)
    return True


def remove(rule: ReminderRule, *, now: datetime) -> None:
    """Delete a rule. Raises Refusal once mails have been sent by it: what became of them would go with it."""
    event = _lock(rule)
    if has_history(rule):
        raise Refusal(_l("Mails have been sent by this reminder, so it cannot be deleted; pause it instead."))
    event.reminder_rules.remove(rule)
    _raise_version(event, now)


def pause(rule: ReminderRule, *, now: datetime) -> None:
    """Let a rule remind nobody, from now on."""
    event = _lock(rule)
    rule.paused = True
    withdraw([rule.id], now=now)
    _raise_version(event, now)


def resume(rule: ReminderRule, *, now: datetime) -> None:
    """Let a rule remind again; what fell due meanwhile and is still of use is made by the next sweep."""
    event = _lock(rule)
    rule.paused = False
    _raise_version(event, now)


def begin_anew(rule_ids: Sequence[int], *, now: datetime) -> None:
    """Take back what waits to be sent by these rules, and let all their rounds of sessions that are not over be made
    again, for those who have not had them. The rules' rows are locked."""
    withdraw(rule_ids, now=now)
    not_over = select(EventSession.id).where(EventSession.ends_at > now)
    rounds = delete(ReminderRound).where(ReminderRound.rule_id.in_(rule_ids), ReminderRound.session_id.in_(not_over))
    db.session.execute(rounds, execution_options=_PLAIN)


def have_had(rule: ReminderRule, *, now: datetime) -> int:
    """Return how many people have been reminded by a rule of a session, as it stands now, that is still to come."""
    reminded = (
        select(func.count(Delivery.registration_id.distinct()))
        .join(EventSession, EventSession.id == Delivery.session_id)
        .where(
            Delivery.rule_id == rule.id,
            Delivery.state.in_((DeliveryState.SENT, DeliveryState.BOUNCED)),
            Delivery.starts_at == EventSession.starts_at,
            EventSession.starts_at > now,
        )
    )
    return db.session.execute(reminded).scalar_one()


def withdraw(rule_ids: Sequence[int], *, now: datetime) -> None:
    """Take back what waits to be sent by these rules, and that it was made.

    What a worker holds is settled and not deleted: it does not leave if it has not yet, and if it has, the worker can
    still record that, so that nobody gets it a second time.
    """
    waiting = Delivery.rule_id.in_(rule_ids), Delivery.state == DeliveryState.WAITING
    under_way = exists().where(
        *waiting,
        Delivery.rule_id == ReminderRound.rule_id,
        Delivery.session_id == ReminderRound.session_id,
        Delivery.starts_at == ReminderRound.starts_at,
    )
    rounds = delete(ReminderRound).where(ReminderRound.rule_id.in_(rule_ids), under_way)
    db.session.execute(rounds, execution_options=_PLAIN)
    held = update(Delivery).where(*waiting, Delivery.claimed_until > now)
    db.session.execute(held.values(state=DeliveryState.DROPPED, settled_at=now), execution_options=_PLAIN)
    db.session.execute(delete(Delivery).where(*waiting), execution_options=_PLAIN)


def has_history(rule: ReminderRule) -> bool:
    """Whether any mail of a rule has come to its end: was sent, refused, dropped."""
    settled = exists().where(Delivery.rule_id == rule.id, Delivery.state != DeliveryState.WAITING)
    return db.session.execute(select(settled)).scalar_one()


def _lock(rule: ReminderRule) -> Event:
    """Lock the event's row, then the rule's, until the unit of work ends, and read anew what stands. Raises NotFound
    where the rule is gone."""
    event_id = db.session.execute(select(ReminderRule.event_id).where(ReminderRule.id == id_of(rule))).scalar()
    if event_id is not None:
        event = admission.lock_event(event_id)
        locked = select(ReminderRule).where(ReminderRule.id == id_of(rule)).with_for_update(key_share=True)
        if db.session.execute(locked.execution_options(populate_existing=True)).scalar():
            return event
    raise NotFound(_l("This reminder has been deleted in the meantime; the list of reminders has those there are."))


def _bring(rule: ReminderRule, wanted: RuleValues) -> None:
    rule.minutes_before, rule.days_before, rule.clock_time = wanted.when
    rule.categories, rule.sessions = list(wanted.categories), list(wanted.sessions)
    rule.languages = list(wanted.languages)
    rule.subject, rule.text = dict(wanted.subject), dict(wanted.text)


def _raise_version(event: Event, now: datetime) -> None:
    event.version += 1
    event.updated_at = now
    db.session.flush()
