"""The list of attendees, as it is selected."""

from __future__ import annotations

import pytest
from flask import Flask

from registration.domain import attendees
from registration.domain.attendees import Filters
from registration.domain.programme import event_named
from registration.errors import NotFound, Refusal
from tests.support.dialogue import SLUG, load_dialogue
from tests.support.organizers import add_person

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@SQLITE
@pytest.mark.usefixtures("context")
def test_a_category_that_is_masked_is_none_to_choose(app: Flask) -> None:
    """One of two at risk, which are one group to whoever may not tell them apart."""
    load_dialogue(app)
    add_person("Amina", "human-rights")
    event = event_named(SLUG)
    for category in ("human-rights", "nothing-of-ours"):
        with pytest.raises(Refusal, match="There is no such category"):
            attendees.page(event, Filters(category=category), 1, unmasked=False)
    assert attendees.page(event, Filters(category="human-rights"), 1, unmasked=True).total == 1


@pytest.mark.needs_postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("context")
def test_nobody_is_called_by_what_the_database_cannot_hold(app: Flask) -> None:
    load_dialogue(app)
    with pytest.raises(NotFound):
        attendees.called(event_named(SLUG), "\x00")
