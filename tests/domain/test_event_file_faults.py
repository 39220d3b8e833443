"""Every fault of an event file is told with its line, its field and what to do; the schema and the sentences agree."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from sqlalchemy import func, select

from registration.domain.event_file import Outcome
from registration.domain.event_file.validating import PATTERNS, SCHEMA_PATH, SENTENCES, WALL
from registration.extensions import db
from registration.models import Event
from tests.support.event_files import SAMPLE, SAMPLE_PATH, SMALL, edited, faults_of, line_of, take_in

pytestmark = [
    pytest.mark.usefixtures("context"),
    # Nothing of a faulty file reaches the database.
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
NO_TIME = "There is no such time; write it as 2021-05-25 10:00."
NO_URL = "This is no address of the web; write it as https://webtv.un.org/."
NO_ADDRESS = "This is no mail address; write it as dialogue@example.org."
NO_ZONE = "There is no such time zone; write it as America/New_York."
NO_PLACEHOLDER = (
    "There is no placeholder “{{{}}}”; there are "
    + ", ".join(f"{{{{{one}}}}}" for one in ("name", "event", "session", "time", "watch_page", "own_page"))
    + "."
)
NO_SUBJECT_PLACEHOLDER = "There is no placeholder “{{{}}}”; there are {{name}}, {{event}}, {{session}}, {{time}}."
CONTROL_IN_LINE = "There is a control character in this line; remove it."
DELIVERED_BY = "sessions[0].programme[0].speakers[0].delivered_by"


@pytest.mark.parametrize(
    ("old", "new", "field", "sentence"),
    [
        ("slug: small", "slug: Small Event", "slug",
         "Use small letters a to z, digits and hyphens, as “civil-society”."),
        ("sample: true", "sample: yes", "sample", "Write true or false here."),
        ("sample: true", "smaple: true", "smaple", "There is no such name here; did you mean “sample”?"),
        ("sample: true", "xyzzy: true", "xyzzy", "There is no such name here; remove it."),
        ("sample: true", "slug: again", "slug", "This name stands here for the second time; keep one."),
        ("state: published", "state: open", "state",
         "“open” is not possible here; choose one of: draft, published, cancelled, archived."),
        ("zone: America/New_York", "zone: Mars/Phobos", "zone",
         NO_ZONE),
        ("zone: America/New_York", "zone: EST5EDT", "zone",
         NO_ZONE),
        ("zone: America/New_York", "zone: asia/kathmandu", "zone",
         "There is no such time zone; write it as Asia/Kathmandu."),
        ("zone: America/New_York", "zone: America/New York", "zone",
         NO_ZONE),
        ("language: en\n", "language: English\n", "language", "This is no language tag; write it as en, fr or zh."),
        ("title: Small event", "title: 2027", "title", "Write a text here, or one per language (en: ..., fr: ...)."),
        ("title: Small event", "title:", "title", "Write a text here, or one per language (en: ..., fr: ...)."),
        ("title: Small event", 'title: ""', "title", "This is empty; write something, or leave the name out."),
        ("title: Small event", "title: {}", "title", "This is empty; write something, or leave the name out."),
        ("title: Small event", 'title: "a\\nb"', "title", "This must be one line; write it without line breaks."),
        ("title: Small event", f"title: {'x' * 301}", "title", "This is too long; use at most 300 characters."),
        ("title: Small event", "title: {fr: Petit}", "title", "Write it in the event's default language (en) too."),
        ("title: Small event", "title: {en: 5}", "title.en",
         "Write a text here; put quotes around it if it is a number or a word like true."),
        ("title: Small event", "title: {en: a, French: b}", "title.French",
         "This is no language tag; write it as en, fr or zh."),
        ("organizer_address: small@example.org", "organizer_address: small@", "organizer_address",
         NO_ADDRESS),
        ("organizer_address: small@example.org", "organizer_address: a@example.org, b@example.org",
         "organizer_address", NO_ADDRESS),
        ("place_url: https://example.org/", "place_url: javascript:alert(1)", "place_url",
         NO_URL),
        ("place_url: https://example.org/", "place_url: https://[", "place_url",
         NO_URL),
        ("place_url: https://example.org/", "place_url: https://a:99999/", "place_url",
         NO_URL),
        ('hashtag: "#Small"', "hashtag: Small", "hashtag",
         'Write a hashtag as "#Dialogue", in quotes and without spaces.'),
        ("retention_days: 30", "retention_days: 0", "retention_days", "This is too small; the least is 1."),
        ("retention_days: 30", "retention_days: 30.5", "retention_days", "Write a whole number here."),
        ("retention_days: 30", "retention_days: 99999999999999999999", "retention_days", "Write a whole number here."),
        ("field_days: {needs: 0", "field_days: {needs: 31", "field_days.needs",
         "Everything goes after 30 days (retention_days); write that or less."),
        ("field_days: {needs: 0", "field_days: {needs: -1", "field_days.needs",
         "This is too small; the least is 0."),
        ("field_days: {needs: 0", "field_days: {address: 0", "field_days.address",
         "There is no such name here; remove it."),
        ("captions: 0, sign", "caption: 0, sign", "field_days.caption",
         "There is no such name here; did you mean “captions”?"),
        ("invitations: true", "invitations: yes", "invitations", "Write true or false here."),
        ("notice_minutes: 10", "notice_minutes: -1", "notice_minutes", "This is too small; the least is 0."),
        ("notice_minutes: 10", "notice_minutes: 1441", "notice_minutes", "This is too large; the most is 1440."),
        ("notice_minutes: 10", "notice_minutes: true", "notice_minutes", "Write a whole number here."),
        ("notice_minutes: 10", "notice_minutes: soon", "notice_minutes", "Write a whole number here."),
        ("places: 2", "places: 1000001", "categories[0].places", "This is too large; the most is 1000000."),
        ("opens: 2027-04-01 09:00", "opens: 2027-04-31 09:00", "registration.opens",
         NO_TIME),
        ("opens: 2027-04-01 09:00", "opens: tomorrow", "registration.opens", NO_TIME),
        ("opens: 2027-04-01 09:00", "opens: 2027-04-01", "registration.opens",
         "The time of day is missing; write it as 2021-05-25 10:00."),
        ("opens: 2027-04-01 09:00", "opens: 2027-04-31", "registration.opens", NO_TIME),
        ("opens: 2027-04-01 09:00", "opens: 2061-04-01 09:00", "registration.opens",
         "Clock changes are known for the years 2000 to 2037; choose one of them."),
        ("closes: 2027-05-05 12:30", "closes: 2027-04-01 09:00", "registration.closes",
         "This must be later than “opens”."),
        ("ends: 2027-05-04 13:15", "ends: 2027-05-04 09:15", "sessions[0].ends", "This must be later than “starts”."),
        ("starts: 2027-05-05 09:00", "starts: 2027-03-14 02:30", "sessions[1].starts",
         "2027-03-14 02:30 does not exist in America/New_York, where the clocks go forward then; choose 2027-03-14 "
         "01:59 or earlier, or 2027-03-14 03:00 or later."),
        ("ends: 2027-05-05 12:30", "ends: 2027-11-07 01:30", "sessions[1].ends",
         "2027-11-07 01:30 exists twice in America/New_York, where the clocks go back then; choose 2027-11-07 00:59 "
         "or earlier, or 2027-11-07 02:00 or later."),
        ("- slug: second", "- slug: first", "sessions[1].slug", "“first” stands twice; name each once."),
        ("value: no\n", "value: yes\n", "categories[1].questions[1].choices[1].value",
         "“yes” stands twice; name each once."),
        ("categories: [reviewed]", "categories: [unknown]", "sessions[0].streams[0].categories[0]",
         "There is no such category in this file; add it."),
        ("categories: [open]", "categories: [open, open]", "reminders[0].categories",
         "Something stands twice in this list; name each once."),
        ("at: 18:00", "at: 24:00", "reminders[1].at", "Write a time of day as 18:00."),
        ("at: 18:00", "at: noon", "reminders[1].at", "Write a time of day as 18:00."),
        ("days_before: 1\n", "days_before: 31\n", "reminders[1].days_before", "This is too large; the most is 30."),
        ("minutes_before: 15", "days_before: 1\n    minutes_before: 15", "reminders[0].days_before",
         "This does not go with “minutes_before”; keep one of them."),
        ("sessions: [first]", "sessions: [third]", "reminders[1].sessions[0]",
         "There is no such session in this file; add it."),
        ("categories: [open]", "categories: [closed]", "reminders[0].categories[0]",
         "There is no such category in this file; add it."),
        ("languages: [en, fr]", "languages: [de]", "reminders[1].languages[0]",
         "“de” is not possible here; choose one of: ar, en, es, fr, ru, zh."),
        ('subject: "Tomorrow: {session}"', 'subject: "Tomorrow: {when}"', "reminders[1].subject",
         NO_SUBJECT_PLACEHOLDER.format("when")),
        ('subject: "Tomorrow: {session}"', 'subject: "Tomorrow: {watch_page}"', "reminders[1].subject",
         NO_SUBJECT_PLACEHOLDER.format("watch_page")),
        ('subject: "Tomorrow: {session}"', 'subject: {fr: "Demain"}', "reminders[1].subject",
         "Write it in the event's default language (en) too."),
        ('text: "{name}, we', 'text: "{name!r}, we', "reminders[1].text", NO_PLACEHOLDER.format("name!r")),
        ('text: "{name}, we', 'text: "{name, we', "reminders[1].text",
         "A brace stands alone here; write a placeholder as {name}, and a brace that is meant twice: {{ or }}."),
        ("audience: confirmed", "audience: [nope]", "sessions[0].streams[0].audience",
         "Write one word here, one of: public, confirmed."),
        ("state: published", "state: true", "state",
         "Write one word here, one of: draft, published, cancelled, archived."),
        ("kind: one_choice", "kind: one_choise", "categories[1].questions[1].kind",
         "“one_choise” is not possible here; choose one of: text, long_text, one_choice, several_choices, country, "
         "site, yes_no."),
        ("kind: country", "kind: contry", "categories[1].questions[0].kind",
         "“contry” is not possible here; choose one of: text, long_text, one_choice, several_choices, country, site, "
         "yes_no."),
        ("kind: country", "kind: text", "categories[1].questions[0].kind",
         "A question of this name is of the kind “country”."),
        ("quotes: [One word.]", "quotes: One word.", "sessions[0].programme[0].speakers[0].quotes",
         "Write a list here, each entry on a line of its own that begins with “- ”."),
        ("summary: A small event.", "summary: &a A small event.", "summary",
         "Anchors (&name) are not read; remove it."),
        ("summary: A small event.", "summary: *a", "summary", "Aliases (*name) are not read; write the value out."),
        ("summary: A small event.", "summary: !!str A small event.", "summary",
         "Tags (!name) are not read; remove it."),
        ("summary: A small event.", 'summary: "\\0"', "summary",
         "There is a control character in this text; remove it."),
        ("summary: A small event.", 'summary: "\\ud800"', "summary",
         "There is a control character in this text; remove it."),
        ("summary: A small event.", "summary: \x1b[31m", "summary", CONTROL_IN_LINE),
        ("summary: A small event.", "summary: \ud800", "summary", CONTROL_IN_LINE),
        ("summary: A small event.", "summary: \u202e", "summary", CONTROL_IN_LINE),
        ("summary: A small event.", "summary: \0", "summary", CONTROL_IN_LINE),
        ("fr: Petit Bureau}", "fr: Pe\0tit Bureau}", "organizers[0].name.fr", CONTROL_IN_LINE),
        ("# A small event that", "# A small \u202e event that", "", CONTROL_IN_LINE),
        ("    short: SO", "\tshort: SO", "organizers[0]", "A tab stands here; write spaces in its place."),
    ],
)  # fmt: skip
def test_faults_are_told_with_line_and_field(old: str, new: str, field: str, sentence: str) -> None:
    line = line_of(old, SMALL)
    where = f"line {line}, {field}" if field else f"line {line}"
    assert faults_of(edited(old, new)) == [f"{where}: {sentence}"]
    assert db.session.execute(select(func.count()).select_from(Event)).scalar_one() == 0


@pytest.mark.parametrize(
    ("old", "new", "told_at", "field", "sentence"),
    [
        ("slug: small\n", "\n", "state:", "slug", "This is missing; add it."),
        ("title: It was small\n", "\n", "press_release:", "press_release.title", "This is missing; add it."),
        ("    minutes_before: 15\n", "", "- slug: quarter-hour", "reminders[0].minutes_before",
         "This is missing; add it, or “days_before” and “at” in its place."),
        ("    at: 18:00\n", "", "- slug: evening-before", "reminders[1].at", "This is missing; add it."),
        ("    days_before: 1\n", "", "- slug: evening-before", "reminders[1].days_before", "This is missing; add it."),
        ('    text: "{name}, we look forward to seeing you."\n', "", "- slug: evening-before", "reminders[1].text",
         "There is a subject; write the text too."),
        ("days_before: 1\n    at: 18:00", "days_before: 0\n    at: 10:00", "at: 18:00", "reminders[1].at",
         "No session starts later on its day than this; choose an earlier time."),
        ("    places: 2\n", "    vetting_name: true\n", "places: 2", "categories[0].vetting_name",
         "Nobody is vetted where all come in: leave this out, or write “entry: reviewed”."),
        ("kind: one_choice", "kind: text", "choices:", "categories[1].questions[1].choices",
         "A question of this kind has no choices; remove them."),
        ("kind: yes_no", "kind: several_choices", "- name: pleased", "categories[1].questions[2].choices",
         "A question of this kind needs choices; add them."),
        ("delivered_by: Ms. Deputy", "", "- slug: speaker", DELIVERED_BY,
         "This is missing; name who speaks in this person's place."),
        ("part: on_behalf_of", "part: keynote", "delivered_by:", DELIVERED_BY,
         "This goes with “part: on_behalf_of”; remove it."),
    ],
)  # fmt: skip
def test_faults_are_told_where_something_is_missing_or_too_much(
    old: str, new: str, told_at: str, field: str, sentence: str
) -> None:
    assert faults_of(edited(old, new)) == [f"line {line_of(told_at, SMALL)}, {field}: {sentence}"]


@pytest.mark.parametrize("slug", ["sent", "participant"])
def test_a_category_cannot_have_a_word_that_the_pages_use_themselves(slug: str) -> None:
    taken = SMALL.replace("slug: open\n", f"slug: {slug}\n").replace("[open]", f"[{slug}]")
    assert faults_of(taken) == [
        f"line {line_of(f'slug: {slug}', taken)}, categories[0].slug: The pages use the word “{slug}” themselves; "
        "choose another slug."
    ]


def test_every_control_character_is_told_where_it_stands() -> None:
    wrong = "slug: a\nsummary: {en: a\u202eb, fr: c\0d}\nplace: |\n  One\n  t\u2066wo\n# \0\nti\0tle: x\n"
    assert faults_of(wrong.replace("\n", "\r\n")) == [
        f"line 2, summary.en: {CONTROL_IN_LINE}",
        f"line 2, summary.fr: {CONTROL_IN_LINE}",
        f"line 5, place: {CONTROL_IN_LINE}",
        f"line 6: {CONTROL_IN_LINE}",
        f"line 7: {CONTROL_IN_LINE}",
    ]


def test_faults_are_told_all_at_once_by_line() -> None:
    wrong = SMALL.replace("zone: America/New_York", "zone: Nowhere").replace("- slug: second", "- slug: first")
    wrong = wrong.replace("[reviewed]", "[unknown]").replace("minutes_before: 15", "minutes_before: often")
    fields = [re.match(r"line (\d+), ([^:]*):", fault) for fault in faults_of(wrong)]
    assert [(int(found[1]), found[2]) for found in fields if found] == [
        (line_of("zone:", wrong), "zone"),
        (line_of("minutes_before:", wrong), "reminders[0].minutes_before"),
        (line_of("categories: [unknown]", wrong), "sessions[0].streams[0].categories[0]"),
        (line_of("title: Second", wrong) - 1, "sessions[1].slug"),
    ]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "line 1: Write names and their values here, one below the other."),
        ("- a\n", "line 1: Write names and their values here, one below the other."),
        ("a: 1\n---\nb: 2\n", "line 2: A second document begins here; keep one event in one file."),
        ("? [a]\n: b\n", "line 1: A name must stand here, and a colon after it."),
        ("a: 1\nb: c: d\n", "line 2, b: This cannot be read as YAML (mapping values are not allowed here)."),
        ('a: 1\nb: "\\U99999999"\n', "line 2, b: This cannot be read as YAML: a number in it is out of range."),
        ("[" * 100_000, "line 1, " + "[0]" * 16 + ": This is nested too deeply for an event file."),
        ("a: x\n" * 400_000, "line 1: The file is larger than 1 MiB; an event takes far less."),
        (b"a: 1\nb: \xff\n", "line 2: This is not UTF-8; save the file as UTF-8."),
    ],
)  # fmt: skip
def test_what_is_no_event_file_is_told_at_once(content: str | bytes, expected: str) -> None:
    assert faults_of(content)[0] == expected


def test_aliases_that_would_multiply_are_never_followed() -> None:
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 20)]
    told = faults_of("\n".join(levels))
    assert told[:2] == [
        "line 1, a0: Anchors (&name) are not read; remove it.",
        "line 2, a1: Anchors (&name) are not read; remove it.",
    ]
    assert told[100:] == [f"... and {20 + 19 * 9 - 100} more."]


def test_windows_line_ends_and_a_byte_order_mark_are_no_faults() -> None:
    take_in(SMALL)
    assert take_in(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode()) == Outcome.UNCHANGED


SCHEMA: Any = json.loads(SCHEMA_PATH.read_text(encoding="utf-8"))


def test_the_schema_is_one_that_editors_find_from_the_sample() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    first_line = SAMPLE.split("\n", 1)[0]
    assert (SAMPLE_PATH.parent / first_line.partition("$schema=")[2]).resolve() == SCHEMA_PATH


def test_there_is_a_sentence_for_whatever_the_schema_refuses() -> None:
    parts = list(_mappings(SCHEMA))
    keywords = {key for part in parts for key in part} & set(Draft202012Validator.VALIDATORS)
    structure = {"$ref", "properties", "items", "required", "additionalProperties", "propertyNames"}
    assert keywords - structure == set(SENTENCES)
    assert {part["pattern"] for part in parts if isinstance(part.get("pattern"), str)} == {*PATTERNS, WALL}


def test_the_schema_knows_the_names_of_the_small_event_and_no_others() -> None:
    """The small event shows everything that the format has."""
    defined = {
        name
        for part in _mappings(SCHEMA)
        if "additionalProperties" in part and "properties" in part
        for name in part["properties"]
    }
    used = {name for part in _mappings(YAML(typ="safe", pure=True).load(SMALL)) for name in part}
    assert used - {"en", "fr"} == defined


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for below in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from _mappings(below)
