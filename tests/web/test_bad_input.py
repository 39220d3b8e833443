"""Whatever is typed or sent: a sentence beside the field and what was typed kept, or it is taken; never a fault.

The classes are those of OWASP's and Unicode's usual lists of awkward input. What is taken is tried on both databases,
for they refuse different things; what is refused never gets as far.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from registration.domain import owing
from registration.domain.personal import mail_address, open_personal
from registration.errors import Refusal
from registration.extensions import writing
from registration.models.delivery import DeliveryKind
from registration.models.registration import RegistrationState as State
from registration.text import clean_line, clean_lines, is_writable
from tests.support.client import Client
from tests.support.clock import FakeClock
from tests.support.dialogue import (
    AMINA,
    FIND,
    REGISTER,
    answers,
    empty_tray,
    load_dialogue,
    registration,
    registrations,
    rows,
    take_part,
    take_part_by_rule,
    work,
)
from tests.support.smtp import MailServer

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TAKEN = {
    "one letter": "X",
    "apostrophes and hyphens": "O’Brien-d'Ávila ʿAbd",
    "Arabic": "عبد الرحمن",
    "CJK": "李小龍",
    "Devanagari": "अमीना देवी",
    "not composed": "Zoe\u0308",
    "fullwidth": "＜ｂ＞＝１＋１＠",
    "confusable": "раураl",
    "Turkish": "İlker ıI ß",
    "emoji": "👩🏽‍🚀 👨‍👩‍👧‍👦 🇳🇵",
    "zero width inside": "می\u200cخواهم",
    "byte order mark": "\ufeffAmina",
    "combining marks": "Z" + "\u0301" * 150,
    "wide ligatures": "\ufdfd" * 50,
    "HTML": "<script>alert(1)</script><svg onload=alert(1)>",
    "attribute break": "\"><img src=x onerror=alert(1)> ' autofocus onfocus=alert(1) x='",
    "script address": "javascript:alert(1)",
    "Markdown": "[click](https://evil.example.org) ![x](https://evil.example.org/x)",
    "entities": "&lt;b&gt; &#x3c; &amp;amp;",
    "templates": "{{7*7}} {% include 'x' %} {0.__class__} %s %(name)s ${7*7} #{7}",
    "SQL": "'; DROP TABLE registration; -- \" OR 1=1 /*",
    "formula": "=1+1|'cmd'!A0",
    "formula after space": " \t+SUM(A1:A9)",
    "fullwidth formula": "＝1+1",
    "CSV": 'a,"b"";c',
    "address in a name": "https://evil.example.org/login",
    "path": "../../../../etc/passwd",
    "mail header": "Amina Bcc: everybody@example.org",
    "digits": "٣١٤ 1e309 NaN -1 9223372036854775808 " + "9" * 40,
    "null words": "null undefined None true",
}
AS_A_SPACE = ["\r", "\n", "\r\n", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\t"]
HIDDEN = {
    "NUL": "A\0mina",
    "bell": "A\x07mina",
    "escape": "A\x1b[31mmina",
    "delete": "Amina\x7f",
    "C1": "A\x9bmina",
    "override": "A\u202eanim",
    "embedding": "A\u202amina",
    "isolate": "A\u2067mina\u2069",
}
ENCODINGS = {
    "lone surrogate": b"A\xed\xa0\x80mina",
    "never UTF-8": b"A\xff\xfemina",
    "overlong slash": b"A\xc0\xafmina",
    "cut": "Aminaé".encode()[:-1],
}
TEXTS = {"name": 200, "question_organization": 200, "needs": 1000, "question_work": 4000}
"""The fields that take words, and how many characters each takes."""
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"


@pytest.fixture(autouse=True)
def _dialogue(app: Flask) -> None:
    load_dialogue(app)


networks = itertools.count(1)


def send(client: FlaskClient, path: str, body: object, content_type: str | None = None) -> TestResponse:
    """Post as from another network each time, so that tries are not counted together."""
    number = next(networks)
    environ = {"REMOTE_ADDR": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"}
    return client.post(path, data=body, content_type=content_type, environ_overrides=environ)


def quick(app: Flask) -> FlaskClient:
    """A visitor who does not look at the pages that come back."""
    return FlaskClient(app, app.response_class)


def typed(client: FlaskClient, category: str, **values: object) -> TestResponse:
    """Send a category's form with these values from somebody new; the worker has taken it in hand."""
    response = send(client, f"{REGISTER}{category}/", answers(category, **values))
    empty_tray(client.application)
    return response


def body_with(field: str, octets: bytes) -> str:
    """A form's body in which one field has octets that may not be text."""
    rest = {**answers("human-rights", address=somebody()), field: ""}
    pairs = [(name, one) for name, value in rest.items() for one in (value if isinstance(value, list) else [value])]
    words = [f"{name}={quote_from_bytes(one.encode())}" for name, one in pairs if name != field]
    return "&".join([*words, f"{field}={quote_from_bytes(octets)}"])


def somebody() -> str:
    return f"person{next(networks)}@example.org"


def test_every_persons_words_are_taken(app: Flask) -> None:
    taken = {
        what: typed(quick(app), "human-rights", address=somebody(), **dict.fromkeys(TEXTS, words)).status_code
        for what, words in TAKEN.items()
    }
    assert taken == dict.fromkeys(TAKEN, 303)


@SQLITE
def test_what_was_typed_is_shown_again_as_text_alone(client: Client) -> None:
    """Each page is also looked through for scripts and styles in it, by the client."""
    words = [*TAKEN.values()]
    for start in range(0, len(words), 2):
        line, lines = words[start], words[start + 1]
        response = typed(client, "human-rights", consent="", name=line, question_organization=lines, needs=lines)
        kept = client.parsed(response, 422).form().values
        assert [kept["name"], kept["question_organization"], kept["needs"]] == [
            clean_line(line),
            clean_line(lines),
            clean_lines(lines),
        ]


@SQLITE
def test_a_line_break_in_a_line_is_a_space(app: Flask) -> None:
    for number, gap in enumerate(AS_A_SPACE):
        address = f"line{number}@example.org"
        assert typed(quick(app), "youth", address=address, name=f"Amina{gap}B.").status_code == 303
        with app.app_context():
            assert open_personal(registrations(address)[0]).name == "Amina B."


@SQLITE
def test_words_are_kept_in_one_form_of_unicode(app: Flask, client: Client) -> None:
    typed(client, "youth", name="Zoe\u0308", needs="A\r\nB\rC\u2028D")
    with app.app_context():
        person = open_personal(registrations(AMINA)[0])
    assert (person.name, person.needs) == ("Zo\u00eb", "A\nB\nC\nD")


@SQLITE
def test_hidden_characters_are_refused_beside_each_field(client: Client) -> None:
    sentence = "There are hidden control characters in this; type it again without them."
    for what, words in HIDDEN.items():
        page = client.parsed(typed(client, "human-rights", **dict.fromkeys(TEXTS, words)), 422)
        said = {name: page.error_of(name).endswith(sentence) for name in TEXTS}
        assert (what, said) == (what, dict.fromkeys(TEXTS, True))


@SQLITE
@pytest.mark.parametrize("length", [1, 10_000, 40_000])
def test_what_is_too_long_is_refused_and_kept(client: Client, length: int) -> None:
    words = {name: "x" * (longest + length) for name, longest in TEXTS.items()}
    page = client.parsed(typed(client, "human-rights", **words), 422)
    for name, longest in TEXTS.items():
        assert page.error_of(name).endswith(f"This is too long: shorten it to {longest} characters.")
        assert page.form().values[name] == words[name]


def test_what_is_just_not_too_long_is_taken(app: Flask) -> None:
    """Counted in characters, of whatever length in bytes."""
    words = {name: "𝒜" * longest for name, longest in TEXTS.items()}
    assert typed(quick(app), "human-rights", **words).status_code == 303


@pytest.mark.parametrize("field", [*TEXTS, "address"])
def test_octets_that_are_no_text_are_no_fault(app: Flask, field: str) -> None:
    for octets in ENCODINGS.values():
        response = send(quick(app), f"{REGISTER}human-rights/", body_with(field, octets), FORM)
        assert response.status_code == (422 if field == "address" else 303)


@SQLITE
def test_what_stands_for_lost_characters_is_refused_beside_each_field(client: Client) -> None:
    page = client.parsed(typed(client, "human-rights", **dict.fromkeys(TEXTS, "A\ufffdmina")), 422)
    sentence = "Some characters did not arrive as you typed them; type this again."
    assert {name: page.error_of(name).endswith(sentence) for name in TEXTS} == dict.fromkeys(TEXTS, True)


@SQLITE
@pytest.mark.parametrize(
    "nothing",
    ["", " ", "\t\r\n", "\u3000", "\u200b", "\u00a0\u200b\ufeff", "\u2060", "\u00ad", "\u0301\u0302", "\u3164"],
)
def test_nothing_to_see_is_nothing_typed(client: Client, nothing: str) -> None:
    page = client.parsed(typed(client, "women-led", name=nothing, question_organization=nothing), 422)
    assert page.error_of("name").endswith("Write the name you want to be called by.")
    assert page.error_of("question_organization") == "Please answer this."


GOOD_ADDRESSES = {
    "amina@example.org": "amina@example.org",
    "  amina@example.org\r\n": "amina@example.org",
    "Amina.B+tag@EXAMPLE.org": "Amina.B+tag@example.org",
    "o'brien@example.org": "o'brien@example.org",
    "a@bücher.example.org": "a@xn--bcher-kva.example.org",
    "info@例え.jp": "info@xn--r8jz45g.jp",
    "x" * 64 + "@example.org": "x" * 64 + "@example.org",
    "a%b{c}|d=e@example.org": "a%b{c}|d=e@example.org",
}
NO_ADDRESS = "This is not a mail address; write it like name@example.org."
BAD_ADDRESSES = [
    "amina", "@", "amina@", "@example.org", "a@b@example.org", "a b@example.org", "a@exa mple.org", "a..b@example.org",
    ".a@example.org", "a.@example.org", "a@example..org", "a@-example.org", "a@localhost", "a@example.invalid",
    "a@example.org, b@example.org", "a@example.org;b@example.org", "<a@example.org>", "Amina <a@example.org>",
    "mailto:a@example.org", '"a b"@example.org', '"a@b"@example.org', "a(comment)@example.org", "a@[127.0.0.1]",
    "a@127.0.0.1", "x" * 65 + "@example.org", "a@" + "x" * 64 + ".org", "a@" + ".".join(["x" * 60] * 5) + ".org",
    "a@example.org\r\nBcc: b@example.org", "a@example.org\nb@example.org", "é@example.org", "a＠example.org",
    "a@example.org?cc=b@example.org", "a@example.org>", "a\\@example.org",
    "=1+1@example", "{{7*7}}", "'; DROP TABLE registration; --",
]  # fmt: skip


def test_an_address_is_kept_as_mail_is_sent_to_it(app: Flask) -> None:
    for number, (written, address) in enumerate(GOOD_ADDRESSES.items()):
        assert typed(quick(app), "youth", address=written, name=f"Name {number}").status_code == 303
        with app.app_context():
            assert open_personal(registrations(address)[-1]).address == address


@SQLITE
def test_what_is_no_address_is_refused_beside_the_field_and_kept(client: Client) -> None:
    for address in BAD_ADDRESSES:
        page = client.parsed(send(client, FIND, {"address": address}), 422)
        assert (address, page.error_of("address")) == (address, NO_ADDRESS)
        assert page.form().values["address"] == clean_line(address)


@SQLITE
def test_nobody_signs_up_with_what_is_no_address(app: Flask) -> None:
    for address in BAD_ADDRESSES:
        response = typed(quick(app), "youth", address=address)
        assert (address, response.status_code, NO_ADDRESS in response.text) == (address, 422, True)
    assert rows(app) == []


@SQLITE
def test_hidden_characters_and_length_are_refused_in_an_address_too(client: Client) -> None:
    for words in HIDDEN.values():
        page = client.parsed(send(client, FIND, {"address": f"{words}@example.org"}), 422)
        assert "hidden control characters" in page.error_of("address")
    page = client.parsed(send(client, FIND, {"address": "x" * 100_000 + "@example.org"}), 422)
    assert page.error_of("address") == NO_ADDRESS


@given(st.text())
@hypothesis_settings(max_examples=300)
def test_any_text_is_a_mail_address_of_one_person_or_refused(text: str) -> None:
    try:
        address = mail_address(text)
    except Refusal:
        return
    assert address.isascii()
    assert re.fullmatch(r"[^@\s<>,;:\"()\[\]]{1,64}@[a-zA-Z0-9.-]+", address)


@given(st.text())
@hypothesis_settings(max_examples=300)
def test_cleaning_a_text_twice_is_cleaning_it_once(text: str) -> None:
    line, lines = clean_line(text), clean_lines(text)
    assert (clean_line(line), clean_lines(lines)) == (line, lines)
    assert unicodedata.is_normalized("NFC", line)
    assert is_writable(text) or any(unicodedata.category(one) in ("Cc", "Cs", "Cf", "Zl", "Zp") for one in text)


CHOICES = {
    ("sessions", "Choose at least one session."): [[]],
    ("sessions", "This choice is not offered; choose from the list."): [
        ["no-such"], ["human-rights", "no-such"], ["1"], ["HUMAN-RIGHTS"], ["human-rights "], ["\0"], ["'"],
    ],
    ("stream_language", "This choice is not offered; choose from the list."): [
        "xx", "FLOOR", "floor ", "None", "en\r\n", "x" * 5000,
    ],
    ("zone", "There is no such time zone; choose one from the list, as Asia/Kathmandu."): [
        "Mars/Phobos", "../../etc/localtime", "asia/kathmandu", "EST5EDT", "Asia/Kathmandu ", "UTC\0", "+05:45",
    ],
    ("zone", "Choose the time zone you are in."): [""],
    ("question_country", "This country is not in the list; choose one from it."): [
        "XX", "np", "Nepal", "NP ", "NPL", "x" * 5000, "' OR 1=1",
    ],
    ("question_ecosoc_status", "This choice is not offered; choose from the list."): ["GENERAL", "x", "1"],
    ("question_ecosoc_status", "Please answer this."): [None, "", "\0"],
    ("question_site", "This is not the address of a site; write it like https://example.org."): [
        "example", "javascript:alert(1)", "data:text/html,x", "//example.org", "https://", "https:///x", "http://[",
        "ftp://example.org", "https://localhost", "file:///etc/passwd", "https:example.org", "mailto:a@example.org",
    ],
    ("question_site", "There is a name or a password in this address; write it without."): [
        "https://amina@example.org", "https://amina:secret@example.org/x", "https://@example.org",
    ],
    ("consent", "Read the privacy notice and tick this box to sign up."): [None, "", "false", "no", "0", "Y", "on"],
}  # fmt: skip
OWN = {"question_organization": "Example", "question_country": "NP", "question_ecosoc_status": "none"}


@SQLITE
@pytest.mark.parametrize(("field", "sentence"), CHOICES)
def test_what_is_not_offered_is_refused_beside_the_field(app: Flask, client: Client, field: str, sentence: str) -> None:
    for value in CHOICES[field, sentence]:
        values = {**answers("youth"), **OWN, field: value}
        body = {name: one for name, one in values.items() if one is not None}
        response = send(quick(app), f"{REGISTER}civil-society/", body)
        assert (value, response.status_code, sentence in response.text) == (value, 422, True)
    page = client.parsed(send(client, f"{REGISTER}civil-society/", body), 422)
    assert page.error_of(field).endswith(sentence)
    assert page.form().values["name"] == "Amina"


@SQLITE
@pytest.mark.parametrize("site", ["https://example.org", "http://bücher.example.org:8080/a?b=c#d", "https://例え.jp/"])
def test_an_address_of_a_site_is_taken(client: Client, site: str) -> None:
    assert typed(client, "women-led", question_site=site).status_code == 303


@SQLITE
@pytest.mark.parametrize(
    ("typed_site", "kept"),
    [
        ("example.org", "https://example.org"),
        (" bücher.example.org:8080/a?b=c ", "https://bücher.example.org:8080/a?b=c"),
    ],
)
def test_an_address_of_a_site_needs_no_scheme(app: Flask, client: Client, typed_site: str, kept: str) -> None:
    assert typed(client, "women-led", question_site=typed_site).status_code == 303
    with app.app_context():
        assert open_personal(registrations(AMINA)[0]).answers["site"] == kept


def test_fields_that_nobody_asked_for_change_nothing(app: Flask, client: Client) -> None:
    extra = {
        "id": "1", "public_id": "x", "state": "confirmed", "confirmed": "1", "role": "admin", "category_id": "9",
        "event_id": "9", "claim": "proved", "address_hash": "x", "proved_at": "2020-01-01", "reason": "x",
        "neutral_title": "x", "name[]": "Other", "name.0": "Other", "personal[name]": "Other",
        "__proto__[x]": "1", "language": "xx",
    }  # fmt: skip
    assert send(client, f"{REGISTER}youth/", {**answers(), **extra}).status_code == 303
    assert rows(app) == [("youth", State.UNVERIFIED)]
    with app.app_context():
        (person,) = registrations(AMINA)
        assert (open_personal(person).name, person.language, person.proved_at) == ("Amina", "en", None)


@SQLITE
def test_of_a_field_sent_twice_the_first_counts(app: Flask, client: Client) -> None:
    twice = {"name": ["Amina", "Other"], "address": [AMINA, "other@example.org"], "zone": ["Asia/Kathmandu", "UTC"]}
    assert send(client, f"{REGISTER}youth/", {**answers(), **twice}).status_code == 303
    empty_tray(app)
    with app.app_context():
        (person,) = registrations(AMINA)
        assert (open_personal(person).name, person.zone) == ("Amina", "Asia/Kathmandu")


BODIES = {
    "nothing": ("", FORM),
    "no type": ("name=Amina", ""),
    "JSON": ('{"name": "Amina", "address": {"$gt": ""}}', "application/json"),
    "XML": ('<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "application/xml"),
    "text": ("name=Amina", "text/plain"),
    "broken multipart": ("--x\r\nContent-Disposition: form-data; name=", MULTIPART),
    "multipart without a boundary": ("x", "multipart/form-data"),
    "multipart that never ends": ("--x\r\nContent-Disposition: form-data; name=name\r\n\r\nAmina", MULTIPART),
    "a file for a name": (
        "--x\r\nContent-Disposition: form-data; name=name; filename=a.exe\r\n\r\nMZ\r\n--x--\r\n", MULTIPART),
    "another charset": ("name=%C3%28", FORM + "; charset=utf-16"),
    "no such charset": ("name=Amina", FORM + "; charset=klingon"),
    "no separators": ("=&=&&&;;%%%zz%", FORM),
    "many fields": ("&".join(f"f{number}=1" for number in range(5000)), FORM),
    "one field many times": ("sessions=human-rights&" * 5000, FORM),
    "gzip by name alone": ("name=Amina", FORM),
}  # fmt: skip


@pytest.mark.parametrize("path", [f"{REGISTER}civil-society/", FIND])
def test_a_body_of_any_shape_is_a_form_with_faults(app: Flask, path: str) -> None:
    statuses = {what: send(quick(app), path, body, kind).status_code for what, (body, kind) in BODIES.items()}
    assert statuses == dict.fromkeys(BODIES, 422)
    assert rows(app) == []


@SQLITE
@pytest.mark.parametrize("path", [f"{REGISTER}youth/", FIND, "/my/", "/my/cancel/"])
def test_a_body_that_is_too_large_is_told_so(client: Client, smtp: MailServer, path: str) -> None:
    take_part(client, smtp)
    for size in (300 * 1024, 2 * 1024 * 1024):
        response = send(client, path, "name=" + "x" * size, FORM)
        assert response.status_code == 413
        assert "What was sent is too large; shorten it and send it again." in response.text


@pytest.fixture
def own(client: Client, smtp: MailServer) -> Client:
    """Somebody on their own page."""
    take_part(client, smtp)
    return client


def test_any_neutral_title_is_taken(own: Client) -> None:
    form = own.page("/my/").form("form[action='/my/']")
    for words in TAKEN.values():
        assert own.send(form, neutral_title=words[:80]).status_code == 303


@SQLITE
def test_a_neutral_title_with_hidden_characters_is_refused_and_the_rest_kept(own: Client) -> None:
    form = own.page("/my/").form("form[action='/my/']")
    for words in HIDDEN.values():
        page = own.submit(form, 422, neutral_title=words, zone="UTC")
        assert "hidden control characters" in page.error_of("neutral_title")
        assert page.form("form[action='/my/']").values["zone"] == "UTC"


@pytest.mark.parametrize(
    ("path", "status"), [("/prove/x/", 404), ("/my/", 400), ("/my/cancel/", 400), ("/my/leave/", 400)]
)
def test_a_body_of_any_shape_is_refused_where_keys_count(app: Flask, path: str, status: int) -> None:
    statuses = {what: send(quick(app), path, body, kind).status_code for what, (body, kind) in BODIES.items()}
    assert statuses == dict.fromkeys(BODIES, status)


KEYS = [
    "x", "A" * 43, "A" * 44, "A" * 45, "A" * 100, "A" * 101, "A" * 10_000, "%00" * 44, "%ff" * 44, "%ED%A0%80",
    "..%2f..%2fx", "A" * 44 + ".ics", "A" * 44 + "%2f", "A" * 44 + "%20", "-" * 44, "%E2%80%AE" * 44, "'%20OR%201=1--",
    "{{7*7}}", "%0d%0aSet-Cookie:x=1",
]  # fmt: skip


def test_no_key_opens_what_it_should_not(app: Flask) -> None:
    for path, key in itertools.product(("prove", "my", "s", "unsubscribe", "organizer/password"), KEYS):
        response = quick(app).get(f"/{path}/{key}/", follow_redirects=True)
        assert (path, key, response.status_code) == (path, key, 404)


PATHS = [
    "/events/{}/", "/events/{}/register/", "/events/dialogue-next/register/{}/", "/events/{}/calendar.ics",
    "/events/{}/find/", "/events/dialogue-next/sessions/{}.ics", "/events/dialogue-next/sessions/{}/",
]  # fmt: skip
NAMES = [
    "no-such", "%00", "%ff", "%ED%A0%80", "..%2f", "x" * 80, "x" * 10_000, "DIALOGUE-NEXT", "dialogue_next", "-x",
    "%E2%80%AE",
]  # fmt: skip


def test_no_name_in_an_address_is_a_fault(app: Flask) -> None:
    for path, name in itertools.product(PATHS, NAMES):
        assert (path, name, quick(app).get(path.format(name)).status_code) == (path, name, 404)


@hypothesis_settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # Each example is a sign-up: to shrink one would take minutes.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.fixed_dictionaries({name: st.text(max_size=300) for name in ("name", "needs", "question_work", "question_site")})
)
def test_whatever_is_typed_is_taken_or_refused(app: Flask, typed_words: dict[str, str]) -> None:
    octets = {name: words.encode(errors="surrogatepass") for name, words in typed_words.items()}
    body = answers("human-rights", address=somebody(), **octets)
    client = FlaskClient(app, app.response_class)
    assert send(client, f"{REGISTER}human-rights/", body).status_code in (303, 422)
    empty_tray(app)


@SQLITE
def test_a_mail_leaves_for_every_name(app: Flask, smtp: MailServer, clock: FakeClock) -> None:
    with app.app_context():
        for number, name in enumerate(TAKEN.values()):
            person = take_part_by_rule(f"person{number}@example.org", name=clean_line(name), now=clock.now)
            with writing():
                owing.owe(registration(person), DeliveryKind.LINK, now=clock.now)
    assert work(app) == len(TAKEN)
    greetings = [mail.text.partition(",\r\n\r\n")[0] for mail in smtp.mails]
    assert greetings == [f"Dear {clean_line(name)}" for name in TAKEN.values()]
