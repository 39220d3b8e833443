"""What an edit may not take away: what people have chosen, answered, or hold.

Answers are sealed. So wherever somebody whose address is proved is registered in a category, each of its questions and
choices counts as answered.
"""

from __future__ import annotations

from collections.abc import Iterator

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select

from registration.domain.admission import HOLDING
from registration.domain.event_file.faults import Fault, Path
from registration.domain.event_file.planning import Planned
from registration.domain.event_file.reading import Document
from registration.domain.notice import HOLDING as HOLDING_SESSIONS
from registration.domain.reminder_edits import has_history
from registration.extensions import db
from registration.models import (
    Category,
    Event,
    EventSession,
    Invitation,
    Question,
    Registration,
    ReminderRule,
    SessionChoice,
)
from registration.models.registration import PROVED


def kept_faults(event: Event, planned: Planned, document: Document) -> Iterator[Fault]:
    """Yield what a file would take from people registered for an event, whose row is locked."""
    yield from _taken_sessions(event, planned, document)
    yield from _taken_categories(event, planned, document)
    yield from _taken_answers(event, planned, document)
    yield from _taken_places(event, planned, document)


def keep_told_rules(event: Event, planned: Planned) -> None:
    """Let a reminder rule that the file has no more stay, paused, once mails have been sent by it: what became of them
    stays with it."""
    named = {one.name for one in planned.below["reminder_rules"]}
    for rule in event.reminder_rules:
        if rule.slug not in named and has_history(rule):
            planned.below["reminder_rules"].append(Planned(ReminderRule, rule.slug, {"paused": True}))


def _taken_sessions(event: Event, planned: Planned, document: Document) -> Iterator[Fault]:
    """A session that people chose is cancelled, never removed: they are told, and its address stays."""
    kept = {session.name for session in planned.below["sessions"]}
    for session in event.sessions:
        if session.slug not in kept and (people := _people_of(session)):
            yield document.fault(
                ("sessions",),
                _l(
                    "The session “%(slug)s” has %(people)d registrations; keep it, with “state: cancelled”.",
                    slug=session.slug,
                    people=people,
                ),
            )


def _people_of(session: EventSession) -> int:
    """Return how many have chosen a session, or still hold it: the mail that takes it back may not have left yet."""
    chosen = select(SessionChoice.registration_id).where(SessionChoice.session_id == session.id)
    holding = select(Invitation.registration_id).where(
        Invitation.session_id == session.id, Invitation.standing.in_(HOLDING_SESSIONS)
    )
    return db.session.execute(select(func.count()).select_from(chosen.union(holding).subquery())).scalar_one()


def _taken_categories(event: Event, planned: Planned, document: Document) -> Iterator[Fault]:
    kept = {category.name for category in planned.below["categories"]}
    for category in event.categories:
        members = select(func.count()).where(Registration.category_id == category.id)
        if category.slug not in kept and (people := db.session.execute(members).scalar_one()):
            yield document.fault(
                ("categories",),
                _l(
                    "The category “%(slug)s” has %(people)d registrations; keep it.",
                    slug=category.slug,
                    people=people,
                ),
            )


def _taken_answers(event: Event, planned: Planned, document: Document) -> Iterator[Fault]:
    proved = select(Registration.category_id).where(Registration.event_id == event.id, Registration.claim == PROVED)
    answering = set(db.session.execute(proved.distinct()).scalars())
    for path, category, wanted in _categories(event, planned):
        asked = {one.name: (place, one) for place, one in enumerate(wanted.below["questions"])}
        for question in category.questions if category.id in answering else ():
            if question.name in asked:
                place, now_asked = asked[question.name]
                yield from _taken_choices(question, now_asked, document, (*path, "questions", place))
            else:
                yield document.fault(
                    (*path, "questions"),
                    _l(
                        "People registered here may have answered the question “%(name)s”; keep it. Its label may "
                        "change.",
                        name=question.name,
                    ),
                )


def _taken_choices(question: Question, wanted: Planned, document: Document, path: Path) -> Iterator[Fault]:
    if wanted.values["kind"] is not question.kind:
        yield document.fault(
            (*path, "kind"),
            _l(
                "People registered here may have answered this question; keep its kind, “%(kind)s”.",
                kind=question.kind.value,
            ),
        )
        return
    offered = {choice["value"] for choice in wanted.values["choices"]}
    for choice in question.choices:
        if choice["value"] not in offered:
            yield document.fault(
                (*path, "choices"),
                _l(
                    "People registered here may have chosen “%(value)s”; keep it. Its label may change.",
                    value=choice["value"],
                ),
            )


def _taken_places(event: Event, planned: Planned, document: Document) -> Iterator[Fault]:
    """Fewer places than before, and than are held."""
    counted = select(Registration.category_id, func.count()).where(
        Registration.event_id == event.id, Registration.state.in_(HOLDING)
    )
    rows = db.session.execute(counted.group_by(Registration.category_id))
    held = {category_id: people for category_id, people in rows}  # noqa: C416
    limits: list[tuple[Path, int | None, int | None, int]] = [
        (("registration", "places"), event.places, planned.values["places"], sum(held.values()))
    ]
    for path, category, wanted in _categories(event, planned):
        limits.append(((*path, "places"), category.places, wanted.values["places"], held.get(category.id, 0)))
    for path, before, places, people in limits:
        if places is not None and places < people and (before is None or places < before):
            yield document.fault(
                path, _l("This is less than the %(held)d places already held; write %(held)d or more.", held=people)
            )


def _categories(event: Event, planned: Planned) -> Iterator[tuple[Path, Category, Planned]]:
    """Yield the categories that stay, each with its path in the file and what the file wants of it."""
    present = {category.slug: category for category in event.categories}
    for place, wanted in enumerate(planned.below["categories"]):
        if wanted.name in present:
            yield ("categories", place), present[wanted.name], wanted
