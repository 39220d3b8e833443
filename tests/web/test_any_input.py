"""Every form and every question mark of the house takes every class of awkward input without a fault, and what it takes
comes out of no page, mail, calendar or list as more than words.

The forms are found by following the links of the pages, so a form that somebody adds is tried too. A plain `make test`
tries a share of all (form, field, class); `make inputs` tries every one, which takes long.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote_from_bytes, urljoin, urlsplit

import openpyxl
import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from registration.extensions import limiter
from registration.models.organizer import Role
from registration.models.registration import RegistrationState as State
from tests.support.announcements import write
from tests.support.awkward import AWKWARD, GOT_THROUGH
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import DAY, EVENT, FIRST_START, REGISTER, load_dialogue, sign_up_by_rule, take_part, work
from tests.support.organizers import EXPORT, add_person, at_desk
from tests.support.smtp import MailServer

STRIDE = round(1 / float(os.environ.get("PLENARY_INPUTS", "0.05")))
"""Of so many cases one is tried."""
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
FORM = "application/x-www-form-urlencoded"
KEPT = ("csrf_token", "consent")
"""Fields without which nothing gets as far as a rule."""
QUERY = (
    *("lang", "tz", "next", "page", "find", "state", "category", "session"),
    *("country", "mail", "order", "person", "stream"),
)
LEFT_ALONE = re.compile(r"/(sign-out|leave|static)/")
TRANSLATED = re.compile(r"_(ar|es|fr|ru|zh)$")
"""The same field as the one in English."""
SHAPE = re.compile(r"[A-Za-z0-9_-]{22,}|\d+")

T = TypeVar("T")


@dataclass
class House:
    """What a visitor can reach by links: pages, and the forms on them by action and field names."""

    client: FlaskClient
    base: str
    within: str
    """What the paths begin with that are looked at."""
    pages: dict[str, str] = field(default_factory=dict)
    """By the shape of their address, one address each."""
    forms: dict[str, list[Sent]] = field(default_factory=dict)
    """By the view that takes them, those that differ in their fields."""

    def all_forms(self) -> list[Sent]:
        return [sent for forms in self.forms.values() for sent in forms]

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=self.base, follow_redirects=True)

    def explore(self, start: str) -> None:
        waiting = [start]
        while waiting:
            path = waiting.pop()
            shape = SHAPE.sub("*", urlsplit(path).path)
            if shape in self.pages:
                continue
            self.pages[shape] = path
            response = self.get(path)
            if response.mimetype != "text/html":
                continue
            html = BeautifulSoup(response.text, "html.parser")
            waiting += self._links(html, response.request.url)
            for form in html.select("form"):
                self._note(Sent.from_element(form, response.request.path))

    def _note(self, sent: Sent) -> None:
        adapter = self.client.application.url_map.bind("here")
        known = self.forms.setdefault(adapter.match(sent.action, sent.method)[0], [])
        if sent.fields - {name for one in known for name in one.fields} and not LEFT_ALONE.search(sent.action):
            known.append(sent)

    def _links(self, html: BeautifulSoup, url: str) -> Iterator[str]:
        for link in html.select("a[href]"):
            target = urlsplit(urljoin(url, str(link["href"])))
            here = target.netloc == urlsplit(self.base).netloc and target.path.startswith(self.within)
            if here and not LEFT_ALONE.search(target.path):
                yield target.path


@dataclass(frozen=True)
class Sent:
    """A form as a browser would send it; `fields`: the names that somebody can fill, or a program."""

    action: str
    method: str
    values: tuple[tuple[str, bytes], ...]
    fields: frozenset[str]

    @classmethod
    def from_element(cls, form: Tag, path: str) -> Sent:
        values: list[tuple[str, bytes]] = []
        names = set()
        for one in form.select("input[name], select[name], textarea[name], button[name]"):
            name, chosen = str(one["name"]), one.select_one("option[selected]") or one.select_one("option")
            value = str((chosen or one).get("value") or (one.get_text() if one.name == "textarea" else ""))
            names.add(name)
            unticked = one.get("type") in ("checkbox", "radio") and not one.has_attr("checked") and name not in KEPT
            if not unticked:
                values.append((name, value.encode()))
        action = urlsplit(urljoin(path, str(form["action"])))
        method = str(form.get("method", "get")).upper()
        return cls(action.path, method, tuple(values), frozenset(names - set(KEPT)))

    def body(self, names: Iterable[str], octets: bytes) -> str:
        """The body with these octets in these fields."""
        changed = set(names)
        pairs = [(name, value) for name, value in self.values if name not in changed]
        pairs += [(name, octets) for name in sorted(changed)]
        return "&".join(f"{name}={quote_from_bytes(value)}" for name, value in pairs)


def faults(house: House, sent: Sent, names: Iterable[str], octets: bytes) -> list[str]:
    """Send a form; say what is wrong with the answer."""
    body = sent.body(names, octets)
    if sent.method == "GET":
        response = house.client.get(f"{sent.action}?{body[:100_000]}", base_url=house.base)
    else:
        response = house.client.post(sent.action, data=body, content_type=FORM, base_url=house.base)
    return wrongs(response)


def wrongs(response: TestResponse) -> list[str]:
    found = [one for one in GOT_THROUGH if response.mimetype == "text/html" and one in response.text]
    return [*found, *([response.status] if response.status_code >= 500 else [])]


@pytest.fixture(autouse=True)
def _dialogue(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    load_dialogue(app)
    monkeypatch.setattr(limiter, "enabled", False)


@pytest.fixture
def desk(app: Flask, smtp: MailServer) -> House:
    """All that an owner reaches, with people on the list and a draft."""
    client = at_desk(app, Role.OWNER)
    with app.app_context():
        for number, state in enumerate(State):
            add_person(f"Person {number}", "human-rights", state, sessions=("human-rights",))
    write(client)
    return explored(app, client, "/organizer/", "/organizer/")


@pytest.fixture
def own(app: Flask, client: Client, smtp: MailServer) -> House:
    """All that a participant reaches from the own page, the public pages and sign-up among it."""
    take_part(client, smtp)
    return explored(app, client, "/", "/my/", EVENT, REGISTER)


def explored(app: Flask, client: Client, within: str, *starts: str) -> House:
    """What somebody with this client's cookies reaches, without looking at each page as a reader does."""
    plain = FlaskClient(app, app.response_class)
    plain._cookies = dict(client._cookies or {})
    house = House(plain, client.public_url, within)
    for start in starts:
        house.explore(start)
    return house


def some(cases: Iterable[T], database_url: str) -> list[T]:
    """The share that is tried: another one on each database."""
    return list(cases)[len(database_url) % STRIDE :: STRIDE]


@pytest.mark.parametrize("who", ["desk", "own"])
def test_every_form_takes_every_class_of_input(who: str, request: pytest.FixtureRequest, database_url: str) -> None:
    """In all its fields at once, and in each by itself with the others as the page gave them, so that it gets as far as
    the rules and the database."""
    house: House = request.getfixturevalue(who)
    forms = house.all_forms()
    assert len(forms) >= {"desk": 12, "own": 6}[who]
    cases = [
        (sent, names, what)
        for sent in forms
        for names in (tuple(sent.fields), *((name,) for name in sorted(sent.fields) if not TRANSLATED.search(name)))
        for what in AWKWARD
    ]
    found = {
        (sent.action, names, what): wrong
        for sent, names, what in some(cases, database_url)
        if (wrong := faults(house, sent, names, AWKWARD[what]))
    }
    assert found == {}
    after = {path: wrongs(house.get(path)) for path in house.pages.values()}
    assert {path: wrong for path, wrong in after.items() if wrong} == {}


@pytest.mark.parametrize("who", ["desk", "own"])
def test_every_page_takes_every_class_of_input_behind_its_question_mark(
    who: str, request: pytest.FixtureRequest, database_url: str
) -> None:
    house: House = request.getfixturevalue(who)
    queries = ["&".join(f"{name}={quote_from_bytes(value[:3000])}" for name in QUERY) for value in AWKWARD.values()]
    cases = [(path, query) for path in house.pages.values() for query in queries]
    answers = {
        (path, query[:60]): wrongs(house.client.get(f"{path}?{query}", base_url=house.base))
        for path, query in some(cases, database_url)
    }
    assert {case: wrong for case, wrong in answers.items() if wrong} == {}


@SQLITE
@hypothesis_settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_whatever_is_typed_into_any_field_is_no_fault(desk: House, own: House, data: st.DataObject) -> None:
    house = data.draw(st.sampled_from([desk, own]))
    sent = data.draw(st.sampled_from(house.all_forms()))
    name = data.draw(st.sampled_from(sorted(sent.fields)))
    assert faults(house, sent, [name], data.draw(st.binary(max_size=200) | st.text().map(octets_of))) == []


def octets_of(text: str) -> bytes:
    return text.encode(errors="surrogatepass")


NO_TEXT = ("lone surrogate", "never UTF-8", "overlong slash")
SHOWN = [value.decode() for name, value in AWKWARD.items() if name not in NO_TEXT]


@pytest.fixture
def crowd(app: Flask, now: object) -> Sequence[str]:
    """People whose every word is awkward, past the form; answers with their words."""
    words = [one[:900] for one in SHOWN if one.strip("\0")]
    with app.app_context():
        for number, one in enumerate(words):
            clean = one.replace("\0", "")
            add_person(clean, "human-rights", organization=clean, needs=clean, answers={"work": clean},
                       address=f"person{number}@example.org", sessions=("human-rights",))  # fmt: skip
    return words


@SQLITE
def test_no_list_that_leaves_holds_a_formula_or_another_row(app: Flask, crowd: Sequence[str]) -> None:
    client = at_desk(app, Role.OWNER)
    page = client.page(EXPORT)
    taken = {
        kind: client.send(
            page.form("main form"), reason="To look at it", format=kind, columns=["name", "organization"]
        ).data
        for kind in ("csv", "xlsx", "json")
    }
    rows = list(csv.reader(io.StringIO(taken["csv"].decode("utf-8-sig"), newline="")))
    assert {len(row) for row in rows} == {2}
    assert len(rows) == 1 + len(crowd)
    assert [cell for row in rows for cell in row if re.match(r"\s*[=+\-@＝＋－＠]", cell)] == []
    sheet = openpyxl.load_workbook(io.BytesIO(taken["xlsx"])).worksheets[0]
    assert sheet.max_row == 1 + len(crowd)
    assert {cell.data_type for row in sheet for cell in row} <= {"s", "n", "inlineStr"}
    assert [cell.coordinate for row in sheet for cell in row if cell.hyperlink] == []
    assert len(json.loads(taken["json"])) == len(crowd)


@SQLITE
def test_no_mail_has_a_header_or_a_recipient_that_somebody_typed(
    app: Flask, clock: FakeClock, smtp: MailServer, crowd: Sequence[str]
) -> None:
    with app.app_context():
        for number, one in enumerate(crowd):
            name = one.replace("\0", "").replace("\r", " ").replace("\n", " ")
            sign_up_by_rule(f"new{number}@example.org", name=name, now=clock.now)
    work(app)
    clock.move_to(FIRST_START - DAY)
    work(app)
    assert len(smtp.mails) == 2 * len(crowd)
    assert {len(mail.recipients) for mail in smtp.mails} == {1}
    assert [mail.subject for mail in smtp.mails if mail.message.get_all("Bcc") or mail.message.get_all("Cc")] == []
    assert {len(mail.message.get_all(name) or []) for mail in smtp.mails for name in ("To", "From", "Subject")} == {1}
    assert [mail.subject for mail in smtp.mails if any(one in mail.html for one in GOT_THROUGH)] == []
    parts = [part for mail in smtp.mails for part in mail.message.walk() if part.get_content_type() == "text/calendar"]
    assert [part for part in parts if re.search(r"^(BCC|ATTENDEE;.*evil)", str(part.get_content()), re.MULTILINE)] == []
