"""How large a request may be: what is larger is refused with a page, on every route, before any view sees it."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from registration.models.organizer import Role
from tests.support.client import Client
from tests.support.dialogue import load_dialogue
from tests.support.organizers import at_desk
from tests.support.routes import addresses

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NEVER_READ = {"unsubscribe.stop", "unsubscribe.undo", "signup.prove", "signup.erase_unproved"}
"""Forms of which nothing is read: the key in their address says all."""


@pytest.fixture
def desk(app: Flask) -> Client:
    load_dialogue(app)
    return at_desk(app, Role.OWNER)


@pytest.fixture
def forms(app: Flask) -> Iterator[tuple[str, str]]:
    return ((name, path) for name, path in addresses(app, "POST") if name not in NEVER_READ)


def parts(count: int, size: int = 1) -> bytes:
    """A multipart body with so many fields of a size."""
    one = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + b"b" * size + b"\r\n"
    return one * count + b"--x--\r\n"


MULTIPART = "multipart/form-data; boundary=x"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"a=" + b"b" * 300_000, FORM),
        (parts(600), MULTIPART),
        (parts(1, 300_000), MULTIPART),
        (parts(50, 6_000), MULTIPART),
    ],
    ids=["large form", "many parts", "large part", "large together"],
)
def test_what_is_too_large_is_refused_with_a_page(
    desk: Client, forms: Iterator[tuple[str, str]], body: bytes, content_type: str
) -> None:
    for endpoint, path in forms:
        answer = desk.post(path, data=body, content_type=content_type)
        assert (endpoint, answer.status_code, "What was sent is too large" in answer.text) == (endpoint, 413, True)


def test_a_body_without_a_length_is_read_to_the_same_size_and_no_further(desk: Client) -> None:
    """As gunicorn hands on what comes in chunks."""
    body = io.BytesIO(b"a=" + b"b" * 300_000)
    environ = create_environ("/organizer/sign-in/", method="POST", content_type=FORM, input_stream=body)
    environ["wsgi.input_terminated"] = True
    environ.pop("CONTENT_LENGTH", None)
    _answer, status, _headers = run_wsgi_app(desk.application, environ)
    assert (status, body.tell()) == ("400 BAD REQUEST", 256 * 1024)


def test_what_is_just_small_enough_is_read(desk: Client) -> None:
    answer = desk.post("/organizer/sign-in/", data=b"a=" + b"b" * 250_000, content_type=FORM)
    assert (answer.status_code, "too large" in answer.text) == (400, False)
