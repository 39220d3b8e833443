"""What an event asks of people who sign up, for its privacy notice: read from its own data, so that the notice says
what really happens."""

from __future__ import annotations

from dataclasses import dataclass

from registration.models import Event
from registration.models.event import Entry
from registration.models.programme import Audience
from registration.models.types import Texts

ORGANIZATION, COUNTRY = "organization", "country"
"""The two questions that lists and filters know; an event words them itself."""


@dataclass(frozen=True)
class Asked:
    """What the forms of an event ask beyond name and address, and what becomes of it.

    `others`: the labels of its other questions; `at_risk`: those of the categories that lists show as "participant";
    `streams`: the addresses where everybody can follow it.
    """

    vetting_name: bool
    organization: bool
    country: bool
    others: list[Texts]
    reviewed: bool
    at_risk: list[Texts]
    streams: list[str]


def asked_by(event: Event) -> Asked:
    """Return what a whole event asks."""
    questions = [question for category in event.categories for question in category.questions]
    names = {question.name for question in questions}
    return Asked(
        vetting_name=any(category.asks_vetting_name for category in event.categories),
        organization=ORGANIZATION in names,
        country=COUNTRY in names,
        others=_once([question.label for question in questions if question.name not in (ORGANIZATION, COUNTRY)]),
        reviewed=any(category.entry is Entry.REVIEWED for category in event.categories),
        at_risk=[category.label for category in event.categories if category.at_risk],
        streams=[
            stream.url for session in event.sessions for stream in session.streams if stream.audience is Audience.PUBLIC
        ],
    )


def _once(labels: list[Texts]) -> list[Texts]:
    """Each label once: several categories may ask the same."""
    return [label for number, label in enumerate(labels) if label not in labels[:number]]
