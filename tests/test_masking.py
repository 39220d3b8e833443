"""What a log may show of the address of a request."""

from __future__ import annotations

import logging
import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.serving import WSGIRequestHandler

from masking import masked_method, masked_path
from registration.keys import KEY_LENGTH, PUBLIC_ID_LENGTH
from registration.web import server_log

KEY = "Ab0_-" * 8 + "wxyZ"
CHARACTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"  # pragma: allowlist secret
KEYS = st.text(CHARACTERS, min_size=20, max_size=100)
BEFORE = ["/my/", "/prove/", "/unsubscribe/", "/feeds/", "/s/", "/organizer/password/", "/", "//my/", "/x/my/", "/x/"]
SHOWN = [
    ("/", "/"),
    ("/events/dialogue-next/", "/events/dialogue-next/"),
    ("/events/dialogue-next/sessions/human-rights.ics?lang=fr", "/events/dialogue-next/sessions/human-rights.ics"),
    ("/static/plenary.css?v=2099e88934", "/static/plenary.css"),
    ("/my/", "/my/"),
    (f"/my/{KEY}/", "/my/***/"),
    (f"/my/{KEY}/?lang=fr", "/my/***/"),
    ("/my/links/all/renew/", "/my/***/all/renew/"),
    (f"/prove/{KEY}/", "/prove/***/"),
    (f"/feeds/{KEY}.ics", "/feeds/***.ics"),
    (f"/unsubscribe/{KEY}/undo/", "/unsubscribe/***/undo/"),
    (f"/organizer/password/{KEY}/", "/organizer/password/***/"),
    ("/s/short/", "/s/***/"),
    (f"/organizer/events/dialogue-next/attendees/{KEY[:22]}/", "/organizer/events/dialogue-next/attendees/***/"),
    (f"https://events.example.org/my/{KEY}/", "***//***/my/***/"),
    (f"/%6dy/{KEY}/", "/my/***/"),
    ("/events/amina@example.org/", "/events/***/"),
    ("/events/Amina/", "/events/***/"),
    ("/a\nb 200/", "/***/"),
    ("*", "***"),
    ("", ""),
]


@pytest.mark.parametrize(("address", "shown"), SHOWN)
def test_words_of_ours_are_shown_and_all_else_is_masked(address: str, shown: str) -> None:
    assert masked_path(address) == shown


def test_no_key_of_ours_is_as_short_as_what_is_shown() -> None:
    assert min(KEY_LENGTH, PUBLIC_ID_LENGTH) > 20


@given(st.text() | st.lists(KEYS | st.text(max_size=30)).map("/".join))
def test_no_twenty_characters_of_a_key_are_left_of_any_address(address: str) -> None:
    shown = masked_path(address)
    assert re.search(r"[A-Za-z0-9_-]{20}", unquote(shown)) is None
    assert re.fullmatch(r"[a-z0-9./*-]*", shown)


@given(KEYS, st.sampled_from(BEFORE), st.data())
def test_no_key_is_shown_however_it_is_written(key: str, before: str, data: st.DataObject) -> None:
    encoded = data.draw(st.sets(st.integers(0, len(key) - 1)))
    written = "".join(f"%{ord(one):02x}" if number in encoded else one for number, one in enumerate(key))
    ending = data.draw(st.sampled_from(["", "/", ".ics", "/undo/", "?key=", quote("/"), "%00"]))
    assert masked_path(f"{before}{written}{ending}") in {
        f"{unquote(before)}{mask}{end}" for mask in ("***", "***.ics") for end in ("", "/", "/undo/")
    }


def test_a_method_that_is_none_is_masked() -> None:
    assert [masked_method(one) for one in ("GET", "HEAD", "AMINA", "")] == ["GET", "HEAD", "***", "***"]


class Handler(WSGIRequestHandler):
    """Flask's own server as it writes its log, of a request that has been read."""

    def __init__(self, line: str) -> None:
        self.client_address = ("203.0.113.77", 4242)
        self.requestline = line
        self.command, self.path, self.request_version = line.split(" ")


@pytest.mark.parametrize(
    ("status", "line", "written"),
    [
        (303, f"GET /my/{KEY}/?lang=fr HTTP/1.1", "GET /my/***/ 303"),
        (200, "GET /events/dialogue-next/ HTTP/1.1", "GET /events/dialogue-next/ 200"),
        (404, f"POST /prove/{KEY}x/ HTTP/1.1", "POST /prove/***/ 404"),
    ],
)
def test_flasks_own_server_writes_no_key_and_no_address(
    caplog: pytest.LogCaptureFixture, status: int, line: str, written: str
) -> None:
    server_log.init_app()
    caplog.set_level(logging.INFO, "werkzeug")
    Handler(line).log_request(status)
    Handler(line).log_error("code 400, message Bad request syntax (%r)", line)
    logging.getLogger("werkzeug").info("Press CTRL+C to quit")
    assert [one.getMessage() for one in caplog.records] == [written, "unreadable", "Press CTRL+C to quit"]
