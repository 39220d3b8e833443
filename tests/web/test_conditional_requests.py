"""Conditional requests for calendars (RFC 9110, section 13): who has one already is told so, nobody in vain."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import Client as Visitor
from werkzeug.test import TestResponse

from registration.domain.link_keys import LinkKind, key_for
from registration.links import public_url
from tests.support.client import Client
from tests.support.clock import START, FakeClock
from tests.support.dialogue import AMINA, DAY, EVENT, load_dialogue, move_session, registrations, take_part
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PUBLIC = f"{EVENT}calendar.ics"
OWN = "the participant's own"
NOW, BEFORE = "Mon, 02 Mar 2026 15:00:00 GMT", "Mon, 02 Mar 2026 14:59:59 GMT"
NO_DATES = [
    "no date at all", "", "0", "-1", "Mon, 32 Mar 2026 15:00:00 GMT", "Mon, 02 Mar 2026 25:00:00 GMT",
    "2027-03-02T15:00:00Z", "Mon, 02 Mar 2027 15:00:00 +0000", "Mon, 02 Mar 2027 15:00:00", f"{NOW}, {NOW}",
    "Mon, 02 Mar 99999999999 15:00:00 GMT", "\u0663 Mar 2026", "x" * 5000,
]  # fmt: skip
NO_LISTS = ['"other"', '"other", W/"another"', "", "garbage, more", '"', "W/", '"other" "ETAG', ",,,", '"' * 3000]
"""Lists of ETags that ours is not in."""


@pytest.fixture(params=[PUBLIC, OWN])
def path(request: pytest.FixtureRequest, app: Flask, client: Client, smtp: MailServer) -> str:
    """The event's feed, then a participant's, neither of which has been fetched yet."""
    load_dialogue(app)
    if request.param == PUBLIC:
        return PUBLIC
    take_part(client, smtp)
    with app.app_context():
        return urlsplit(public_url("calendar.own_feed", key=key_for(registrations(AMINA)[-1], LinkKind.FEED))).path


def ask(app: Flask, path: str, method: str = "GET", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Visitor(app).open(path, method=method, base_url="https://events.example.org", headers=named)


def statuses(app: Flask, path: str, **headers: str) -> set[int]:
    """The status of each way to ask this; "ETAG" in a header stands for the feed's own, without its quotes."""
    etag = ask(app, path).headers["ETag"].strip('"')
    given = {name: value.replace("ETAG", etag) for name, value in headers.items()}
    return {ask(app, path, method, **given).status_code for method in ("GET", "HEAD")}


def test_the_validators_are_strong_and_of_the_data(app: Flask, path: str, clock: FakeClock) -> None:
    clock.advance(DAY)
    for _time in ("made", "kept"):
        answer = ask(app, path)
        assert answer.headers["ETag"].startswith('"')
        assert answer.headers["Last-Modified"] == f"{START:%a, %d %b %Y %H:%M:%S} GMT" == NOW


def test_who_has_it_is_told_so_with_all_that_caches_need(app: Flask, path: str) -> None:
    whole = ask(app, path)
    again = ask(app, path, If_None_Match=whole.headers["ETag"])
    needed = ("ETag", "Last-Modified", "Cache-Control", "Vary")
    assert (again.status_code, again.data) == (304, b"")
    assert {name: again.headers[name] for name in needed} == {name: whole.headers[name] for name in needed}
    assert {"Content-Type", "Content-Length", "Content-Disposition"}.isdisjoint(again.headers.keys())


def test_a_head_is_a_get_without_its_body(app: Flask, path: str) -> None:
    made = ask(app, path, "HEAD")
    get, kept = ask(app, path), ask(app, path, "HEAD")
    assert list(made.headers) == list(get.headers) == list(kept.headers)
    assert (made.data, kept.data, get.headers["Content-Length"]) == (b"", b"", str(len(get.data)))


@pytest.mark.parametrize("listed", ['"ETAG"', 'W/"ETAG"', '"a", "ETAG"', '"a",W/"ETAG" , "b"', "*"])
def test_an_etag_in_the_list_is_enough_strong_or_weak(app: Flask, path: str, listed: str) -> None:
    assert statuses(app, path, If_None_Match=listed) == {304}
    assert statuses(app, path, If_None_Match=listed, If_Modified_Since=BEFORE) == {304}


@pytest.mark.parametrize("listed", NO_LISTS)
def test_an_etag_that_is_another_beats_every_date(app: Flask, path: str, listed: str) -> None:
    assert statuses(app, path, If_None_Match=listed) == {200}
    assert statuses(app, path, If_None_Match=listed, If_Modified_Since=NOW) == {200}


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (NOW, 304),
        (BEFORE, 200),
        ("Monday, 02-Mar-26 15:00:00 GMT", 304),
        ("Mon Mar  2 15:00:00 2026", 304),
        ("Tue, 03 Mar 2026 15:00:00 GMT", 304),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 200),
    ],
)
def test_a_date_counts_in_each_form_that_http_has(app: Flask, path: str, since: str, status: int) -> None:
    assert statuses(app, path, If_Modified_Since=since) == {status}


@pytest.mark.parametrize("since", NO_DATES)
def test_what_is_no_date_counts_for_nothing(app: Flask, path: str, since: str) -> None:
    assert statuses(app, path, If_Modified_Since=since) == {200}
    assert statuses(app, path, If_Unmodified_Since=since) == {200}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If_Match": '"ETAG"'}, 200),
        ({"If_Match": "*"}, 200),
        ({"If_Match": '"a", "ETAG"', "If_Unmodified_Since": BEFORE}, 200),
        ({"If_Match": 'W/"ETAG"'}, 412),
        ({"If_Match": '"other"'}, 412),
        ({"If_Match": '"other"', "If_None_Match": '"ETAG"'}, 412),
        ({"If_Match": '"ETAG"', "If_None_Match": '"ETAG"'}, 304),
        ({"If_Unmodified_Since": NOW}, 200),
        ({"If_Unmodified_Since": BEFORE}, 412),
        ({"If_Unmodified_Since": NOW, "If_Modified_Since": NOW}, 304),
    ],
)
def test_what_must_be_so_is_asked_before_what_must_not(
    app: Flask, path: str, headers: dict[str, str], status: int
) -> None:
    assert statuses(app, path, **headers) == {status}


def test_what_has_changed_is_sent_whole(app: Flask, path: str, clock: FakeClock) -> None:
    before = ask(app, path)
    clock.advance(DAY)
    move_session(app, "human-rights", DAY)
    after = ask(app, path, If_None_Match=before.headers["ETag"], If_Modified_Since=before.headers["Last-Modified"])
    assert (after.status_code, after.headers["Last-Modified"]) == (200, "Tue, 03 Mar 2026 15:00:00 GMT")
    assert statuses(app, path, If_Modified_Since=before.headers["Last-Modified"]) == {200}
