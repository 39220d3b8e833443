"""Which mail is owed about a session: every standing against everything it may be due."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
import pytz

from registration.domain.calendars.invitations import Method
from registration.domain.facts import Change, Facts, Traits, changes_between, facts_of
from registration.domain.notice import Notice, notice_owed, standing_due
from registration.domain.revisions import notice_time
from registration.models import SessionRevision
from registration.models.invitation import Standing

START = datetime(2027, 5, 25, 14, 0, tzinfo=pytz.utc)
HOUR = timedelta(hours=1)
ON = Facts("Opening – Dialogue", START, START + 3 * HOUR, True, ("https://media.example.org/floor",))
OFF = replace(ON, takes_place=False)
MOVED = replace(ON, starts_at=START + HOUR, ends_at=START + 4 * HOUR)
NONE, INVITED, INFORMED, CANCELLED = Standing.NONE, Standing.INVITED, Standing.INFORMED, Standing.CANCELLED


Case = tuple[Standing, Standing, Facts | None, Facts]
"""What somebody holds and is due, what they were told and what stands."""


def owed(
    holds: Standing,
    due: Standing,
    before: Facts | None = ON,
    after: Facts = ON,
    *,
    takes_part: bool = True,
    words: bool = False,
) -> Notice | None:
    return notice_owed(holds, due, before, after, takes_part=takes_part, words_changed=words)


@pytest.mark.parametrize(
    ("case", "takes_part", "method", "changes"),
    [
        ((NONE, INVITED, None, ON), True, Method.REQUEST, set()),
        ((INVITED, INVITED, ON, MOVED), True, Method.REQUEST, {Change.MOVED}),
        ((INVITED, CANCELLED, ON, OFF), True, Method.CANCEL, {Change.CANCELLED}),
        ((INVITED, CANCELLED, ON, ON), False, Method.CANCEL, set()),
        ((INVITED, CANCELLED, ON, OFF), False, Method.CANCEL, set()),
        ((INVITED, INFORMED, ON, ON), True, Method.CANCEL, set()),
        ((INFORMED, INVITED, ON, ON), True, Method.REQUEST, set()),
        ((INFORMED, INFORMED, ON, MOVED), True, None, {Change.MOVED}),
        ((INFORMED, CANCELLED, ON, OFF), True, None, {Change.CANCELLED}),
        ((CANCELLED, INVITED, OFF, ON), True, Method.REQUEST, {Change.RESTORED}),
        ((CANCELLED, INFORMED, OFF, MOVED), True, None, {Change.RESTORED, Change.MOVED}),
        ((CANCELLED, INVITED, ON, MOVED), True, Method.REQUEST, set()),
    ],
)
def test_what_is_owed(case: Case, takes_part: bool, method: Method | None, changes: set[Change]) -> None:
    notice = owed(*case, takes_part=takes_part)
    assert notice is not None
    assert (notice.method, notice.changes, notice.becomes) == (method, changes, case[1])


@pytest.mark.parametrize(
    ("holds", "due", "before", "after", "takes_part"),
    [
        (NONE, INFORMED, None, ON, True),
        (NONE, CANCELLED, None, ON, False),
        (INVITED, INVITED, ON, ON, True),
        (INFORMED, INFORMED, ON, ON, True),
        (INFORMED, CANCELLED, ON, ON, False),
        (CANCELLED, CANCELLED, OFF, OFF, True),
        (CANCELLED, CANCELLED, OFF, ON, False),
        (CANCELLED, CANCELLED, ON, MOVED, False),
        (CANCELLED, INFORMED, ON, MOVED, True),
    ],
)
def test_where_nothing_is_owed(
    holds: Standing, due: Standing, before: Facts | None, after: Facts, takes_part: bool
) -> None:
    assert owed(holds, due, before, after, takes_part=takes_part) is None


def test_new_words_of_ones_own_are_owed_to_who_is_invited_alone() -> None:
    assert owed(INVITED, INVITED, words=True) == Notice(INVITED, INVITED, before=ON, own=True)
    assert owed(INFORMED, INFORMED, words=True) is None


def test_what_organizers_change_is_not_ones_own_doing() -> None:
    notices = [owed(INVITED, INVITED, ON, MOVED), owed(INVITED, CANCELLED, ON, OFF), owed(CANCELLED, INVITED, OFF, ON)]
    assert [one.own for one in notices if one] == [False, False, False]


@pytest.mark.parametrize(
    ("takes_part", "takes_place", "by_invitation", "due"),
    [
        (True, True, True, INVITED),
        (True, True, False, INFORMED),
        (True, False, True, CANCELLED),
        (False, True, True, CANCELLED),
    ],
)
def test_what_somebody_should_hold(takes_part: bool, takes_place: bool, by_invitation: bool, due: Standing) -> None:
    assert standing_due(takes_part=takes_part, takes_place=takes_place, by_invitation=by_invitation) is due


def test_several_changes_are_told_together() -> None:
    after = replace(MOVED, title="Another", links=())
    assert changes_between(ON, after) == {Change.MOVED, Change.RENAMED, Change.RELINKED}


def revision(**values: object) -> SessionRevision:
    stands: dict[str, object] = {
        "event_title": {"en": "Dialogue", "fr": "Dialogue"},
        "title": {"en": "Opening", "fr": "Ouverture"},
        "starts_at": START,
        "ends_at": START + HOUR,
        "takes_place": True,
        "streams": [
            stream("fr", "fr"),
            stream("floor", "floor"),
            stream("floor", "room", audience="confirmed", categories=["youth"]),
        ],
    }
    return SessionRevision(**{**stands, **values})


def stream(
    language: str, name: str, audience: str = "public", categories: list[str] | None = None
) -> dict[str, object]:
    url = f"https://media.example.org/{name}"
    return {"audience": audience, "language": language, "url": url, "categories": categories or []}


@pytest.mark.parametrize(
    ("traits", "title", "links"),
    [
        (Traits("en", "floor", "experts", False), "Opening – Dialogue", ["floor"]),
        (Traits("fr", "fr", "experts", False), "Ouverture – Dialogue", ["fr"]),
        (Traits("ar", "ar", "experts", False), "Opening – Dialogue", ["floor"]),
        (Traits("en", "floor", "youth", False), "Opening – Dialogue", ["floor", "room"]),
        (Traits("en", "floor", "youth", True), "", []),
    ],
)
def test_everybody_is_told_what_concerns_them(traits: Traits, title: str, links: list[str]) -> None:
    facts = facts_of(revision(), traits, "en")
    assert (facts.title, list(facts.links)) == (title, [f"https://media.example.org/{one}" for one in links])


def test_a_title_in_another_language_is_no_change_for_this_reader() -> None:
    reader = Traits("en", "floor", "experts", False)
    after = revision(title={"en": "Opening", "fr": "Autre"}, streams=[stream("floor", "floor"), stream("fr", "new")])
    assert changes_between(facts_of(revision(), reader, "en"), facts_of(after, reader, "en")) == set()


@pytest.mark.parametrize(
    ("start_in", "length", "minutes"),
    [
        (timedelta(hours=2), HOUR, 0),
        (timedelta(hours=2, seconds=1), HOUR, 10),
        (-timedelta(minutes=59), HOUR, 0),
        (-HOUR, HOUR, 10),
    ],
)
def test_edits_are_gathered_unless_the_session_is_near_or_under_way(
    start_in: timedelta, length: timedelta, minutes: int
) -> None:
    spans = [(START + start_in, START + start_in + length), (START + 90 * HOUR, START + 91 * HOUR)]
    assert notice_time(spans, minutes=10, now=START) == START + timedelta(minutes=minutes)
