"""What every answer of the house keeps to, whoever asks and how (docs/asvs.md leads here)."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from registration.domain import accounts
from registration.domain.programme import event_named
from registration.extensions import db, writing
from registration.models import Event, Registration
from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.dialogue import AMINA, ANSWERS, EVENT, FIND, REGISTER, SLUG, load_dialogue, take_part
from tests.support.organizers import DESK, EXPORT, LIST, add_person, at_desk
from tests.support.smtp import MailServer

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PUBLIC = ["/", EVENT, f"{EVENT}privacy/", f"{EVENT}calendar.ics", f"{REGISTER}youth/", FIND, "/organizer/sign-in/"]
MACHINES = ["/healthz", "/readyz", "/metrics", "/static/plenary.css", "/static/signup.js", "/static/icon.svg"]
NOWHERE = ["/no/such/page", "/my/", f"/my/{'A' * 44}/"]


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


def client_of_no_pages(app: Flask) -> FlaskClient:
    """A visitor who takes any answer, also one that is no page."""
    return FlaskClient(app, app.response_class)


@pytest.mark.parametrize("path", [*PUBLIC, *MACHINES, *NOWHERE])
def test_no_other_site_may_read_an_answer(app: Flask, path: str) -> None:
    """Not for any origin that asks, nor before it asks: no CORS header is ever set."""
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": "https://evil.example.org", "Access-Control-Request-Method": "POST"}
        names = client_of_no_pages(app).open(path, method=method, headers=headers).headers.keys()
        assert [name for name in names if name.lower().startswith("access-control-")] == []


@pytest.mark.parametrize("path", [*PUBLIC, *MACHINES, *NOWHERE])
def test_each_answer_says_what_it_is_and_in_which_characters(client: Client, path: str) -> None:
    kind = client.get(path).headers["Content-Type"]
    assert kind == "application/json" or kind.startswith("image/svg+xml") or "charset=utf-8" in kind.lower()


@pytest.mark.parametrize("path", [EVENT, "/organizer/sign-in/", "/healthz", "/static/plenary.css"])
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT", "PROPFIND"])
def test_methods_that_nobody_needs_are_refused(client: Client, path: str, method: str) -> None:
    assert client.open(path, method=method).status_code == 405


@pytest.mark.parametrize(
    "path",
    ["/.git/HEAD", "/.env", "/config.py", "/wsgi.py", "/instance/secrets.json", "/static/", "/static/../config.py",
     "/static/%2e%2e/config.py", "/static/..%2f..%2fconfig.py", "/docs/", "/debug", "/console",
     "/development/mail/", "/swagger.json", "/openapi.json", "/server-status"],
)  # fmt: skip
def test_nothing_of_the_house_itself_is_served(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_production_runs_without_debugging(app: Flask) -> None:
    assert (app.debug, app.config["DEBUG"], app.config["EXPLAIN_TEMPLATE_LOADING"]) == (False, False, False)
    assert "development" not in app.blueprints


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/json"])
def test_what_is_sent_as_no_form_does_nothing_at_the_desk(app: Flask, kind: str) -> None:
    """A browser sends text/plain to anybody without asking first; the token has to be in a form."""
    desk = at_desk(app, Role.OWNER)
    token = str(desk.page(DESK).one("header [name=csrf_token]")["value"])
    body = f'{{"csrf_token": "{token}", "decision": "approve"}}'
    answers = [desk.post(path, data=body, content_type=kind) for path in (f"{LIST}decide", "/organizer/sign-out/")]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert desk.get(DESK).status_code == 200


def test_parameters_of_the_address_do_not_stand_in_for_those_of_the_form(client: Client) -> None:
    query = {**ANSWERS, "sessions": "human-rights"}
    assert client.post(f"{REGISTER}youth/", query_string=query).status_code == 422
    assert client.post(FIND, query_string={"address": AMINA}).status_code == 422


def test_lists_and_files_come_as_attachments_named_by_us(app: Flask, client: Client) -> None:
    with app.app_context():
        add_person("Amina")
    desk = at_desk(app, Role.EXPORTER)
    form = desk.page(f"{EXPORT}?filename=../../evil%0d%0aX: y").form()
    answer = desk.send(form, reason="To see how it is named", format="csv")
    assert "Amina" in answer.text
    assert answer.headers["Content-Disposition"] == 'attachment; filename="dialogue-next-2026-03-02.csv"'
    file = client.get(f"{EVENT}sessions/human-rights.ics?filename=evil.html")
    kind, name, _encoded = file.headers["Content-Disposition"].split("; ")
    assert (kind, name.endswith(".ics"), "evil" in name) == ("attachment", True, False)


def test_what_is_refused_at_the_desk_is_logged_by_account_and_page(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither an address of a mailbox nor one of a page, where anything could have been typed."""
    viewer = at_desk(app, Role.VIEWER, address="viewer@example.org")
    with app.app_context(), writing():
        event = event_named(SLUG)
        columns = {one.key: getattr(event, one.key) for one in Event.__table__.columns if one.key not in ("id", "slug")}
        db.session.add(Event(slug="another", **columns))
        account = accounts.organizer_with("viewer@example.org").public_id
    viewer.get(f"{EXPORT}?x=%0d%0aforged")
    viewer.get(DESK.replace(SLUG, "another"))
    told = [one.getMessage() for one in caplog.records if one.name == "plenary.security"]
    assert told == [
        f"access_refused account={account} page=organizer.export event=dialogue-next",
        f"access_refused account={account} page=organizer.event event=another",
    ]


def test_a_fault_tells_nothing_of_the_inside(
    app: Flask, client: Client, smtp: MailServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A value that does not open any more is a fault nobody foresaw: the page is general, the log says where."""
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    take_part(client, smtp)
    with app.app_context(), writing():
        db.session.execute(update(Registration).values(sealed=b"k1:" + b"x" * 40))
    page = client.page("/my/", 500)
    assert page.heading == "Something went wrong"
    assert [word for word in ("seal", "Error", "Traceback", ".py", "SELECT", "k1") if word in page.html.text] == []
    told = "\n".join(one.getMessage() for one in caplog.records)
    assert "SealError at participant.own" in told
    assert AMINA not in told
