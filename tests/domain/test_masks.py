"""Which mails tell in which category at risk somebody is."""

from __future__ import annotations

import pytest

from registration.domain.masks import tells_of_category
from registration.models import Announcement, Category, Delivery, Event, ReminderRule

EVENT = Event(
    categories=[
        Category(slug="victims", at_risk=True),
        Category(slug="defenders", at_risk=True),
        Category(slug="youth", at_risk=False),
    ],
    reminder_rules=[
        ReminderRule(id=1, categories=["victims"]),
        ReminderRule(id=2, categories=[]),
        ReminderRule(id=3, categories=["victims", "defenders"]),
        ReminderRule(id=4, categories=["youth"]),
    ],
)


@pytest.mark.parametrize(("rule", "tells"), [(1, True), (2, False), (3, False), (4, False), (None, False)])
def test_a_reminder_tells_by_the_rule_as_it_stands(rule: int | None, tells: bool) -> None:
    assert tells_of_category(EVENT, Delivery(rule_id=rule, told_apart=False)) is tells


@pytest.mark.parametrize(("categories", "tells"), [(["victims", "youth"], True), ([], False)])
def test_an_announcement_tells_by_whom_it_is_for(categories: list[str], tells: bool) -> None:
    delivery = Delivery(announcement=Announcement(categories=categories), told_apart=False)
    assert tells_of_category(EVENT, delivery) is tells


def test_a_mail_tells_by_what_its_rule_was_when_it_was_made() -> None:
    assert tells_of_category(EVENT, Delivery(rule_id=2, told_apart=True))
