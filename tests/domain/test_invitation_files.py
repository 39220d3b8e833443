"""Files that invite one person to one session, or take that back (RFC 5546 sections 3.2.2 and 3.2.5)."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from urllib.parse import unquote

import pytest
import pytz
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from icalendar.parser import Contentline

from registration.domain.calendars.building import download_bytes
from registration.domain.calendars.entry import CalendarEntry, Labels
from registration.domain.calendars.invitations import Convener, Method, built_by_library, invitation_bytes
from tests.domain.test_calendars import (
    AWKWARD_TITLES,
    LABELS,
    PLACES,
    WATCH_URL,
    an_entry,
    parsed,
    second_session,
    times,
    unfolded,
    utc,
    values,
)

AMINA, BORIS = "amina@example.org", "boris@example.org"
OFFICE = Convener("Office of the Dialogue", "dialogue@plenary.example.org")
GIVEN = {"language": "en", "labels": LABELS, "convener": OFFICE, "attendee": AMINA}
INVITED = "CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP=TRUE"
NEUTRAL_URL = "https://plenary.example.org/s/6b1f0c2e9a/"

# 64 octets before the @ and 254 in all, the most that RFC 5321 allows.
LONGEST_ADDRESS = "n" * 64 + "@" + ".".join(["d" * 60, "d" * 60, "d" * 59, "example"])

# How often RFC 5546 lets a property stand in a VEVENT, of those that we write; CONFERENCE is an IANA-PROPERTY.
ONCE = {"ATTENDEE", "DTSTAMP", "DTSTART", "ORGANIZER", "SEQUENCE", "SUMMARY", "UID"}
OPTIONAL = {"CLASS", "CONFERENCE", "CREATED", "DESCRIPTION", "DTEND", "LAST-MODIFIED", "LOCATION", "STATUS", "TRANSP"}
OPTIONAL |= {"URL"}

MOMENTS = st.datetimes(
    min_value=datetime.fromisoformat("1970-01-01"),
    max_value=datetime.fromisoformat("2100-01-01"),
    timezones=st.sampled_from([pytz.utc, pytz.FixedOffset(345), pytz.FixedOffset(-570)]),
)
TEXTS = st.text(st.characters() | st.sampled_from('\r\n\t\x00\x1b\\;,:"^%’\u202e\u2066\u2028\ufeff\ud800\udfff'))


def request(entry: CalendarEntry | None = None, **changes) -> bytes:
    return invitation_bytes(entry or an_entry(), **{**GIVEN, "method": Method.REQUEST, **changes})


def cancel(entry: CalendarEntry | None = None, **changes) -> bytes:
    return invitation_bytes(entry or an_entry(cancelled=True), **{**GIVEN, "method": Method.CANCEL, **changes})


def both(**changes) -> list[bytes]:
    return [request(an_entry(**changes)), cancel(an_entry(cancelled=True, **changes))]


def line(data: bytes, name: str) -> str:
    """Return the one content line, unfolded, of a property."""
    (found,) = [one for one in unfolded(data) if re.match(rf"{name}[;:]", one)]
    return found


def own_properties(data: bytes) -> Counter[str]:
    """Count the properties of the VEVENT, without those of its alarm."""
    event = data.decode().partition("BEGIN:VEVENT\r\n")[2].partition("END:VEVENT")[0]
    without_alarm = re.sub(r"BEGIN:VALARM.*END:VALARM\r\n", "", event, flags=re.DOTALL)
    return Counter(re.findall(r"^([A-Z-]+)[;:]", without_alarm, flags=re.MULTILINE))


def is_well_formed(data: bytes) -> bool:
    """Whether there are only lines of at most 75 octets of whole characters, each ended by CRLF, none a control."""
    *lines, rest = data.split(b"\r\n")
    whole = all(one.decode() and len(one) <= 75 for one in lines) and rest == b""
    return whole and re.search("[\x00-\x1f\x7f-\x9f\ufeff\u202a-\u202e\u2066-\u2069]", b"".join(lines).decode()) is None


def test_a_request_says_all_of_a_session_and_asks_one_person():
    assert request().decode() == "\r\n".join([
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Plenary//Plenary//EN",
        "CALSCALE:GREGORIAN",
        "METHOD:REQUEST",
        "BEGIN:VTIMEZONE",
        "TZID:America/New_York",
        "BEGIN:DAYLIGHT",
        "DTSTART:20070311T020000",
        "RRULE:FREQ=YEARLY;BYDAY=2SU;BYMONTH=3",
        "TZNAME:EDT",
        "TZOFFSETFROM:-0500",
        "TZOFFSETTO:-0400",
        "END:DAYLIGHT",
        "BEGIN:STANDARD",
        "DTSTART:20071104T020000",
        "RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=11",
        "TZNAME:EST",
        "TZOFFSETFROM:-0400",
        "TZOFFSETTO:-0500",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "SUMMARY;LANGUAGE=en:Human rights and civil society",
        "DTSTART;TZID=America/New_York:20210525T100000",
        "DTEND;TZID=America/New_York:20210525T131500",
        "DTSTAMP:20210503T093015Z",
        "UID:6b1f0c2e9a@plenary.example.org",
        "SEQUENCE:2",
        "ATTENDEE;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICIPANT;RSVP",
        " =TRUE:mailto:amina@example.org",
        "CONFERENCE;FEATURE=AUDIO,VIDEO;LABEL=Watch;VALUE=URI:https://plenary.examp",
        " le.org/events/dialogue/sessions/human-rights/",
        "CREATED:20210401T080000Z",
        "DESCRIPTION;LANGUAGE=en:Watch\\nhttps://plenary.example.org/events/dialogue",
        " /sessions/human-rights/\\n\\nA dialogue of two sessions.",
        "LAST-MODIFIED:20210503T093015Z",
        "LOCATION:https://plenary.example.org/events/dialogue/sessions/human-rights",
        " /",
        'ORGANIZER;CN="Office of the Dialogue":mailto:dialogue@plenary.example.org',
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "URL:https://plenary.example.org/events/dialogue/sessions/human-rights/",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "DESCRIPTION:Starts in 15 minutes – Human rights and civil society",
        "TRIGGER:-PT15M",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ])  # fmt: skip


def test_a_cancel_says_the_same_but_rings_no_alarm():
    rung = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Starts in 15 minutes – Human rights and civil society"]
    rung += ["TRIGGER:-PT15M", "END:VALARM"]
    other = {"METHOD:REQUEST": "METHOD:CANCEL", "STATUS:CONFIRMED": "STATUS:CANCELLED"}
    expected = [other.get(one, one) for one in unfolded(request()) if one not in rung]
    assert unfolded(cancel()) == expected
    assert len(expected) == len(unfolded(request())) - len(rung)


@pytest.mark.parametrize(("make", "status"), [(request, "CONFIRMED"), (cancel, "CANCELLED")])
def test_each_method_has_what_its_table_requires_and_nothing_that_it_forbids(make, status):
    cancelled = status == "CANCELLED"
    entries = [an_entry(cancelled=cancelled), an_entry(cancelled=cancelled, discreet=True, zone="Africa/Casablanca")]
    for entry in entries:
        data = make(entry)
        counted = own_properties(data)
        assert set(counted.values()) == {1}
        assert set(counted) >= ONCE | {"DTEND", "STATUS"}
        assert set(counted) <= ONCE | OPTIONAL
        assert values(data, "STATUS") == [status]
        components = {"VCALENDAR", "VEVENT"} | (
            {"VTIMEZONE", "STANDARD", "DAYLIGHT"} if "TZID" in data.decode() else set()
        )
        assert set(values(data, "BEGIN")) == components | (set() if cancelled else {"VALARM"})
        assert values(data, "BEGIN").count("VEVENT") == 1


def test_the_method_is_the_word_that_the_mail_repeats():
    assert [values(request(), "METHOD"), values(cancel(), "METHOD")] == [["REQUEST"], ["CANCEL"]]
    assert [f"{method}" for method in Method] == ["REQUEST", "CANCEL"]


@pytest.mark.parametrize(
    ("method", "cancelled", "attendee", "message"),
    [
        (Method.REQUEST, True, AMINA, "takes place"),
        (Method.CANCEL, False, AMINA, "takes place"),
        (Method.REQUEST, False, OFFICE.address, "not the organizer"),
        (Method.CANCEL, True, OFFICE.address.title(), "not the organizer"),
    ],
)
def test_contradictions_make_no_file(method, cancelled, attendee, message):
    with pytest.raises(ValueError, match=message):
        invitation_bytes(an_entry(cancelled=cancelled), **{**GIVEN, "method": method, "attendee": attendee})


@pytest.mark.parametrize(
    ("address", "uri"),
    [
        ("amina@example.org", "mailto:amina@example.org"),
        ("Amina.O'Hara+news@Example.org", "mailto:Amina.O'Hara+news@Example.org"),
        ("a%b@example.org", "mailto:a%25b@example.org"),
        ("a&b=c@example.org", "mailto:a%26b%3Dc@example.org"),
        ("a/b?c#d@example.org", "mailto:a%2Fb%3Fc%23d@example.org"),
        ("!$*-_~`{|}^@example.org", "mailto:!$*-_~%60%7B%7C%7D%5E@example.org"),
        ('"a b,c;d:e@f\\"g"@example.org', "mailto:%22a%20b%2Cc%3Bd%3Ae%40f%5C%22g%22@example.org"),
        ("a@[IPv6:2001:db8::1]", "mailto:a@%5BIPv6%3A2001%3Adb8%3A%3A1%5D"),
        ("amina@xn--bcher-kva.example", "mailto:amina@xn--bcher-kva.example"),
        ("أمينة@مثال.example", "mailto:%D8%A3%D9%85%D9%8A%D9%86%D8%A9@%D9%85%D8%AB%D8%A7%D9%84.example"),
        ("a\r\nATTENDEE:b@example.org", "mailto:a%0D%0AATTENDEE%3Ab@example.org"),
        (LONGEST_ADDRESS, f"mailto:{LONGEST_ADDRESS}"),
    ],
)
def test_an_address_stands_as_a_uri_that_leads_back_to_it(address, uri):
    for data in (request(attendee=address), cancel(attendee=address)):
        assert is_well_formed(data)
        assert line(data, "ATTENDEE") == f"ATTENDEE;{INVITED}:{uri}"
    data = request(convener=Convener("", address), attendee=BORIS)
    assert is_well_formed(data)
    assert line(data, "ORGANIZER") == f"ORGANIZER:{uri}"
    assert unquote(uri) == f"mailto:{address}"


def test_the_longest_address_is_that_long():
    assert (len(LONGEST_ADDRESS), LONGEST_ADDRESS.index("@")) == (254, 64)


@pytest.mark.parametrize(
    ("name", "written", "read"),
    [
        ("Plenary", "Plenary", "Plenary"),
        ("Mission of Spain, UN; room 5: hall", '"Mission of Spain, UN; room 5: hall"', None),
        ('The "Global" Dialogue', "\"The ^'Global^' Dialogue\"", None),
        ("Caret ^n and ^", '"Caret ^^n and ^^"', None),
        ("Women’s voices 👩‍👩‍👧‍👦 🇨🇭", '"Women’s voices 👩‍👩‍👧‍👦 🇨🇭"', None),
        ("مكتب الأمم المتحدة لمكافحة الإرهاب", '"مكتب الأمم المتحدة لمكافحة الإرهاب"', None),
        ("联合国反恐怖主义办公室", "联合国反恐怖主义办公室", None),
        ("世" * 300, "世" * 300, None),
        ("a\r\nATTENDEE:mailto:x@example.org", '"a ATTENDEE:mailto:x@example.org"', "a ATTENDEE:mailto:x@example.org"),
        ("nul\x00bell\x07del\x7f\x85lone\ud800", '"nulbelldel lone"', "nulbelldel lone"),
        ("turned\u202earound\u2069", "turnedaround", "turnedaround"),
        ("ends with a backslash\\", '"ends with a backslash"', "ends with a backslash"),
    ],
)
def test_any_name_of_the_organizer_stays_one_parameter(name, written, read):
    data = request(convener=Convener(name, "office@example.org"))
    assert is_well_formed(data)
    assert line(data, "ORGANIZER") == f"ORGANIZER;CN={written}:mailto:office@example.org"
    _, parameters, value = Contentline(line(data, "ORGANIZER")).parts()
    assert (parameters["CN"], value) == (read or name, "mailto:office@example.org")
    assert parsed(data)[0].organizer.value == "mailto:office@example.org"
    assert len(values(data, "ATTENDEE")) == 1


@pytest.mark.parametrize("name", ["", " \r\n\t", "\u202e\x00"])
def test_an_organizer_without_a_name_has_none(name):
    assert (
        line(request(convener=Convener(name, "office@example.org")), "ORGANIZER")
        == "ORGANIZER:mailto:office@example.org"
    )


@pytest.mark.parametrize("title", AWKWARD_TITLES)
def test_any_title_survives_folding_and_escaping(title):
    for data in both(title=title, description=f"{title}\n\nSecond; paragraph,"):
        assert is_well_formed(data)
        (event,) = parsed(data)
        assert event.summary.value == title
        assert event.description.value == f"Watch\n{WATCH_URL}\n\n{title}\n\nSecond; paragraph,"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (
            "Opening\r\nATTENDEE:mailto:evil@example.org\nSEQUENCE:9",
            "Opening ATTENDEE:mailto:evil@example.org SEQUENCE:9",
        ),
        ("\r\n%(ATTENDEE)b %s %% %", "%(ATTENDEE)b %s %% %"),
        ("nul\x00bell\x07escape\x1b[31mdelete\x7fc1\x9b", "nulbellescape[31mdeletec1"),
        ("lone\ud800surro\udfffgate \ufeffmark", "lonesurrogate mark"),
        ("evil\u202etxt.exe\u202c \u2067isolated\u2069", "eviltxt.exe isolated"),
        ("x" * 10_000, "x" * 10_000),
        ("é世ع😀," * 2_000, "é世ع😀," * 2_000),
    ],
)
def test_bad_titles_make_valid_files(typed, shown):
    for data in both(title=typed, description=typed):
        assert is_well_formed(data)
        (event,) = parsed(data)
        assert event.summary.value == shown
        assert [values(data, name) for name in ("ATTENDEE", "SEQUENCE")] == [["mailto:amina@example.org"], ["2"]]


def test_addresses_of_pages_are_not_escaped():
    url = "https://plenary.example.org/s/1/?a=1,2;b=%C3%A9&c=x"
    for data in both(watch_url=url):
        assert values(data, "URL") == [url]
        assert line(data, "CONFERENCE") == f"CONFERENCE;FEATURE=AUDIO,VIDEO;LABEL=Watch;VALUE=URI:{url}"


def test_the_watch_page_stands_where_each_program_looks_for_it():
    for data in both():
        (event,) = parsed(data)
        assert event.location.value == event.url.value == event.conference.value == WATCH_URL
        assert event.description.value.splitlines()[:2] == ["Watch", WATCH_URL]


def test_an_invitation_is_the_entry_of_the_download():
    entry = an_entry(uid="é" * 127)
    for name in ("UID", "SUMMARY", "DTSTART", "DTEND", "DTSTAMP", "SEQUENCE", "CREATED", "DESCRIPTION", "URL"):
        assert values(request(entry), name) == values(download_bytes([entry], language="en", labels=LABELS), name)
    assert values(cancel(an_entry(uid="é" * 127, cancelled=True)), "UID") == ["é" * 127]


@pytest.mark.parametrize("zone_name", [place for place, _, _ in PLACES])
def test_both_sessions_fall_at_the_same_instants_wherever_the_event_is(zone_name):
    for entry in (an_entry(zone=zone_name), second_session(zone=zone_name)):
        data = request(entry)
        assert times(data) == [(entry.starts_at, entry.ends_at)]
        assert values(data, "TZID") == ([] if zone_name in {"UTC", "Asia/Tehran"} else [zone_name])


def test_stamps_are_in_utc_and_come_from_the_data():
    changed_at = pytz.timezone("Asia/Kathmandu").localize(datetime.fromisoformat("2021-05-04 01:00:00.999999"))
    for data in both(updated_at=changed_at):
        assert values(data, "DTSTAMP") == values(data, "LAST-MODIFIED") == ["20210503T191500Z"]
        assert values(data, "CREATED") == ["20210401T080000Z"]
    assert both() == both()


def test_an_update_has_the_same_uid_a_raised_sequence_and_a_newer_stamp():
    changes = {"starts_at": utc("2021-05-25 15:00"), "ends_at": utc("2021-05-25 18:15")}
    moved = an_entry(**changes, sequence=3, updated_at=utc("2021-05-20 10:00"))
    before, after = unfolded(request()), unfolded(request(moved))
    assert [new for old, new in zip(before, after, strict=True) if old != new] == [
        "DTSTART;TZID=America/New_York:20210525T110000",
        "DTEND;TZID=America/New_York:20210525T141500",
        "DTSTAMP:20210520T100000Z",
        "SEQUENCE:3",
        "LAST-MODIFIED:20210520T100000Z",
    ]


def test_files_of_two_people_differ_in_their_own_lines_alone():
    theirs = an_entry(sequence=7, updated_at=utc("2021-05-05 05:05"))
    first, second = unfolded(request()), unfolded(request(theirs, attendee=BORIS))
    assert [new for old, new in zip(first, second, strict=True) if old != new] == [
        "DTSTAMP:20210505T050500Z",
        "SEQUENCE:7",
        f"ATTENDEE;{INVITED}:mailto:boris@example.org",
        "LAST-MODIFIED:20210505T050500Z",
    ]


def test_discreet_files_hold_nothing_but_the_neutral_words():
    told = {"title": "Online meeting", "description": "", "watch_url": NEUTRAL_URL, "uid": "6b1f0c2e9a"}
    stranger = Convener("", "meetings@example.net")
    for make, cancelled in ((request, False), (cancel, True)):
        data = make(an_entry(**told, discreet=True, cancelled=cancelled), convener=stranger)
        own = unfolded(data)[unfolded(data).index("BEGIN:VEVENT") + 1 :]
        alarm = ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:Starts in 15 minutes – Online meeting"]
        assert own == [
            "SUMMARY;LANGUAGE=en:Online meeting",
            "DTSTART;TZID=America/New_York:20210525T100000",
            "DTEND;TZID=America/New_York:20210525T131500",
            "DTSTAMP:20210503T093015Z",
            "UID:6b1f0c2e9a",
            "SEQUENCE:2",
            f"ATTENDEE;{INVITED}:mailto:amina@example.org",
            "CLASS:PRIVATE",
            f"CONFERENCE;FEATURE=AUDIO,VIDEO;LABEL=Watch;VALUE=URI:{NEUTRAL_URL}",
            "CREATED:20210401T080000Z",
            f"DESCRIPTION;LANGUAGE=en:Watch\\n{NEUTRAL_URL}",
            "LAST-MODIFIED:20210503T093015Z",
            f"LOCATION:{NEUTRAL_URL}",
            "ORGANIZER:mailto:meetings@example.net",
            f"STATUS:{'CANCELLED' if cancelled else 'CONFIRMED'}",
            "TRANSP:OPAQUE",
            f"URL:{NEUTRAL_URL}",
            *([] if cancelled else [*alarm, "TRIGGER:-PT15M", "END:VALARM"]),
            "END:VEVENT",
            "END:VCALENDAR",
        ]
    assert [values(data, "CLASS") for data in both()] == [[], []]


@hypothesis_settings(max_examples=200, deadline=None)
@given(
    title=TEXTS,
    description=TEXTS,
    name=TEXTS,
    address=st.emails(),
    sequence=st.integers(0, 2**31 - 1),
    updated_at=MOMENTS,
    cancelled=st.booleans(),
    discreet=st.booleans(),
    zone=st.sampled_from(["America/New_York", "Asia/Kathmandu", "Africa/Casablanca", "UTC"]),
)
def test_personal_files_are_byte_for_byte_what_the_library_builds(address, name, cancelled, **changes):
    entry = an_entry(**changes, cancelled=cancelled)
    method = Method.CANCEL if cancelled else Method.REQUEST
    asked = {**GIVEN, "method": method, "convener": Convener(name, OFFICE.address), "attendee": address}
    data = invitation_bytes(entry, **asked)
    assert data == built_by_library(entry, **asked)
    assert is_well_formed(data)
    assert [len(values(data, one)) for one in ("ATTENDEE", "ORGANIZER", "UID", "SUMMARY", "METHOD")] == [1] * 5


@pytest.mark.parametrize("length", range(1, 65))
def test_addresses_of_all_lengths_are_folded_as_the_library_folds(length):
    for local_part in ("a" * length, "%" * length, "a" * (length - 1) + "^"):
        asked = {**GIVEN, "method": Method.REQUEST, "attendee": f"{local_part}@example.org"}
        assert invitation_bytes(an_entry(), **asked) == built_by_library(an_entry(), **asked)


@pytest.mark.parametrize(
    "changes",
    [
        {"uid": "other@plenary.example.org"},
        {"title": "Other"},
        {"description": "Other"},
        {"starts_at": utc("2021-05-25 14:01")},
        {"ends_at": utc("2021-05-25 17:16")},
        {"zone": "Europe/Zurich"},
        {"watch_url": f"{WATCH_URL}?lang=es"},
        {"created_at": utc("2021-04-02 08:00")},
        {"discreet": True},
        {"language": "es"},
        {"labels": Labels(watch="Ver", alarm=LABELS.alarm)},
        {"convener": Convener("Other", OFFICE.address)},
        {"convener": Convener(OFFICE.name, "other@example.org")},
    ],
)
def test_what_is_kept_in_memory_serves_nothing_else(changes):
    of_file = {name: changes[name] for name in changes if name in GIVEN}
    entry = an_entry(**{name: changes[name] for name in changes if name not in GIVEN})
    asked = {**GIVEN, "method": Method.REQUEST, **of_file}
    first, second = request(), invitation_bytes(entry, **asked)
    assert second != first
    assert second == built_by_library(entry, **asked)


def test_threads_do_not_disturb_each_other():
    def asked(number: int) -> tuple[CalendarEntry, dict[str, object]]:
        entry = an_entry(title=f"Session {number % 7}", sequence=number, cancelled=number % 2 == 1)
        method = Method.CANCEL if entry.cancelled else Method.REQUEST
        return entry, {**GIVEN, "method": method, "attendee": f"person.{number}@example.org"}

    people = [asked(number) for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda person: invitation_bytes(person[0], **person[1]), people))
    assert made == [built_by_library(entry, **given_) for entry, given_ in people]


def test_an_alarm_rings_a_quarter_of_an_hour_before_and_none_for_what_is_cancelled():
    (event,) = parsed(request())
    assert event.valarm.trigger.value == timedelta(minutes=-15)
    (cancelled,) = parsed(cancel())
    assert "valarm" not in cancelled.contents
