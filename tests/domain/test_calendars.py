from __future__ import annotations

import re
from datetime import datetime, timedelta
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest
import pytz
import vobject

from registration.domain.calendars.add_links import add_links
from registration.domain.calendars.building import download_bytes, feed_bytes
from registration.domain.calendars.entry import CalendarEntry, Labels

LABELS = Labels(watch="Watch", alarm="Starts in 15 minutes")
WATCH_URL = "https://plenary.example.org/events/dialogue/sessions/human-rights/"
ZONE_NUMBERS = count()

PLACES = [
    ("UTC", "14:00–17:15", "13:00–16:30"),
    ("Europe/Zurich", "16:00–19:15", "15:00–18:30"),
    ("Asia/Tehran", "18:30–21:45", "17:30–21:00"),
    ("Asia/Kabul", "18:30–21:45", "17:30–21:00"),
    ("Asia/Kathmandu", "19:45–23:00", "18:45–22:15"),
    ("Asia/Manila", "22:00–26 01:15", "21:00–27 00:30"),
    ("Australia/Adelaide", "23:30–26 02:45", "22:30–27 02:00"),
    ("Australia/Sydney", "26 00:00–26 03:15", "23:00–27 02:30"),
    ("Pacific/Auckland", "26 02:00–26 05:15", "27 01:00–27 04:30"),
    ("Pacific/Chatham", "26 02:45–26 06:00", "27 01:45–27 05:15"),
    ("Pacific/Marquesas", "04:30–07:45", "03:30–07:00"),
]

AWKWARD_TITLES = [
    "Opening, discussion; and C:\\New \\n plans",
    'The "quoted" and the ‘other’',
    "=1+1 %s {0} <b>&amp;</b> BEGIN:VEVENT",
    "حقوق الإنسان في مكافحة الإرهاب والتطرف العنيف ودور المجتمع المدني في ذلك",
    "打击恐怖主义背景下的人权、民间社会与受害者：全球对话高级别会议开幕式及讨论",
    "Права человека и гражданское общество в борьбе с терроризмом: открытие диалога",
    "आतंकवाद के विरुद्ध मानवाधिकार और नागरिक समाज: वैश्विक संवाद का उद्घाटन",
    "Derechos humanos, sociedad civil y prevención del terrorismo: sesión de apertura",
    "სამოქალაქო საზოგადოება და ადამიანის უფლებები: გლობალური დიალოგის გახსნა",
    "👩‍👩‍👧‍👦 🇨🇭 👋🏽 " * 12 + "end",
    "a" + "é世ع😀" * 2500,
]


def utc(text: str) -> datetime:
    return pytz.utc.localize(datetime.fromisoformat(text))


def an_entry(**changes) -> CalendarEntry:
    return CalendarEntry(**{
        "uid": "6b1f0c2e9a@plenary.example.org",
        "title": "Human rights and civil society",
        "description": "A dialogue of two sessions.",
        "starts_at": utc("2021-05-25 14:00"),
        "ends_at": utc("2021-05-25 17:15"),
        "zone": "America/New_York",
        "watch_url": WATCH_URL,
        "sequence": 2,
        "created_at": utc("2021-04-01 08:00"),
        "updated_at": utc("2021-05-03 09:30:15"),
    } | changes)  # fmt: skip


def second_session(**changes) -> CalendarEntry:
    times = {"starts_at": utc("2021-05-26 13:00"), "ends_at": utc("2021-05-26 16:30")}
    return an_entry(**{"uid": "second@plenary.example.org"} | times | changes)


def download(*entries: CalendarEntry) -> bytes:
    return download_bytes(entries, language="en", labels=LABELS)


def unfolded(data: bytes) -> list[str]:
    return data.decode().replace("\r\n ", "").splitlines()


def values(data: bytes, name: str) -> list[str]:
    return [line.partition(":")[2] for line in unfolded(data) if re.match(rf"{name}[;:]", line)]


def parsed(data: bytes) -> list[vobject.base.Component]:
    """Return the VEVENTs as vobject reads them, with zones renamed: only their VTIMEZONE tells them."""
    text = re.sub(r"(TZID[=:])([\w/]+)", rf"\1Nowhere/{next(ZONE_NUMBERS)}/\2", data.decode())
    return vobject.readOne(text).vevent_list


def times(data: bytes) -> list[tuple[datetime, datetime]]:
    return [(one.dtstart.value.astimezone(pytz.utc), one.dtend.value.astimezone(pytz.utc)) for one in parsed(data)]


def test_a_download_says_all_of_a_session_in_its_own_wall_time():
    assert download(an_entry()).decode() == "\r\n".join([
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Plenary//Plenary//EN",
        "CALSCALE:GREGORIAN",
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
        "CONFERENCE;FEATURE=AUDIO,VIDEO;LABEL=Watch;VALUE=URI:https://plenary.examp",
        " le.org/events/dialogue/sessions/human-rights/",
        "CREATED:20210401T080000Z",
        "DESCRIPTION;LANGUAGE=en:Watch\\nhttps://plenary.example.org/events/dialogue",
        " /sessions/human-rights/\\n\\nA dialogue of two sessions.",
        "LAST-MODIFIED:20210503T093015Z",
        "LOCATION:https://plenary.example.org/events/dialogue/sessions/human-rights",
        " /",
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


def test_the_same_data_makes_the_same_bytes():
    assert download(an_entry(), second_session()) == download(an_entry(), second_session())


def test_a_feed_has_a_name_without_escapes_and_says_when_to_look_again():
    data = feed_bytes([an_entry()], name="Rights, society; C:\\new\n2021", language="en", labels=LABELS)
    assert unfolded(data)[4:8] == [
        "NAME:Rights society C: new 2021",
        "X-WR-CALNAME:Rights society C: new 2021",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]


@pytest.mark.parametrize("entry", [an_entry(), an_entry(cancelled=True), an_entry(discreet=True)])
def test_downloads_and_feeds_invite_nobody(entry):
    feed = feed_bytes([entry], name="Dialogue", language="en", labels=LABELS)
    for name in ("METHOD", "ORGANIZER", "ATTENDEE"):
        assert values(download(entry) + feed, name) == []


def test_a_cancelled_session_stays_in_the_calendar_as_cancelled_and_rings_no_alarm():
    data = download(an_entry(cancelled=True, sequence=3))
    assert values(data, "STATUS") == ["CANCELLED"]
    assert values(data, "SEQUENCE") == ["3"]
    assert values(data, "TRIGGER") == []


def test_a_discreet_entry_is_marked_private_and_no_other():
    assert values(download(an_entry(discreet=True)), "CLASS") == ["PRIVATE"]
    assert values(download(an_entry()), "CLASS") == []


@pytest.mark.parametrize(("zone_name", "first", "second"), PLACES)
def test_both_sessions_fall_at_the_right_local_time(zone_name, first, second):
    def local(start: datetime, end: datetime, day: int) -> str:
        here = [moment.astimezone(pytz.timezone(zone_name)) for moment in (start, end)]
        return "–".join(f"{moment:%H:%M}" if moment.day == day else f"{moment:%d %H:%M}" for moment in here)

    in_new_york = times(download(an_entry(), second_session()))
    in_the_place = times(download(an_entry(zone=zone_name), second_session(zone=zone_name)))
    assert in_new_york == in_the_place
    assert [local(*in_new_york[0], 25), local(*in_new_york[1], 26)] == [first, second]


def test_a_session_is_written_in_the_wall_time_of_its_zone_where_that_can_be_stated():
    data = download(an_entry(zone="Asia/Kathmandu"), an_entry(zone="Asia/Tehran"), an_entry(zone="UTC"))
    assert [line for line in unfolded(data) if line.startswith("DTSTART") and "1970" not in line] == [
        "DTSTART;TZID=Asia/Kathmandu:20210525T194500",
        "DTSTART:20210525T140000Z",
        "DTSTART:20210525T140000Z",
    ]
    assert values(data, "TZID") == ["Asia/Kathmandu"]


def test_each_zone_is_stated_once_and_before_all_sessions():
    zurich = second_session(zone="Europe/Zurich")
    lines = unfolded(download(an_entry(), zurich, second_session()))
    assert [line for line in lines if line.startswith("TZID:")] == [
        "TZID:America/New_York",
        "TZID:Europe/Zurich",
    ]
    assert max(at for at, line in enumerate(lines) if line == "END:VTIMEZONE") < lines.index("BEGIN:VEVENT")


def test_a_zone_is_stated_for_all_the_years_of_its_sessions_or_for_none():
    # Cairo had no summer time in 2018, and has it in 2026.
    before = an_entry(zone="Africa/Cairo", starts_at=utc("2018-05-25 14:00"), ends_at=utc("2018-05-25 15:00"))
    after = an_entry(zone="Africa/Cairo", starts_at=utc("2026-05-25 14:00"), ends_at=utc("2026-05-25 15:00"))
    assert values(download(before), "DTSTART")[-1] == "20180525T160000"
    assert values(download(after), "DTSTART")[-1] == "20260525T170000"
    assert values(download(before, after), "DTSTART") == ["20180525T140000Z", "20260525T140000Z"]
    assert values(download(after, before), "DTSTART") == ["20260525T140000Z", "20180525T140000Z"]


def test_an_hour_that_comes_twice_is_written_in_utc():
    night = {"starts_at": utc("2021-11-07 06:30"), "ends_at": utc("2021-11-07 08:00")}
    data = download(an_entry(**night))
    assert values(data, "DTSTART")[-1] == "20211107T063000Z"
    assert times(data) == [(night["starts_at"], night["ends_at"])]


@pytest.mark.parametrize("title", AWKWARD_TITLES)
def test_any_title_survives_folding_and_escaping(title):
    data = download(an_entry(title=title, description=f"{title}\n\nSecond; paragraph,"))
    assert all(len(line) <= 75 and line.decode() for line in data.split(b"\r\n")[:-1])
    assert re.findall(rb"[\x00-\x1f\x7f]", data.replace(b"\r\n", b"")) == []
    (entry,) = parsed(data)
    assert entry.summary.value == title
    assert entry.description.value == f"Watch\n{WATCH_URL}\n\n{title}\n\nSecond; paragraph,"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Opening\r\nBEGIN:VEVENT\rUID:evil\u2028x\x85y", "Opening BEGIN:VEVENT UID:evil x y"),
        ("nul\x00bell\x07escape\x1b[31mdelete\x7fc1\x9b", "nulbellescape[31mdeletec1"),
        ("lone\ud800surro\udfffgate", "lonesurrogate"),
        ("\ufeffmark", "mark"),
        ("evil\u202etxt.exe\u202c \u2067isolated\u2069", "eviltxt.exe isolated"),
        ("tab\tand   spaces ", "tab and spaces"),
    ],
)
def test_what_a_calendar_may_not_hold_is_taken_out(typed, shown):
    data = download(an_entry(title=typed))
    assert parsed(data)[0].summary.value == shown
    assert values(data, "UID") == ["6b1f0c2e9a@plenary.example.org"]
    assert parse_qs(urlsplit(add_links(an_entry(title=typed))["google"]).query)["text"] == [shown]


def test_an_address_cannot_break_out_of_its_line():
    data = download(an_entry(watch_url="https://plenary.example.org/a\r\nATTENDEE:mailto:x@example.org"))
    assert values(data, "ATTENDEE") == []


def test_a_label_with_quotes_stays_one_parameter():
    data = download_bytes([an_entry()], language="fr", labels=Labels(watch='Voir "en direct": ici', alarm="Bientôt"))
    (line,) = [line for line in unfolded(data) if line.startswith("CONFERENCE")]
    assert line == f"CONFERENCE;FEATURE=AUDIO,VIDEO;LABEL=\"Voir ^'en direct^': ici\";VALUE=URI:{WATCH_URL}"


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": datetime.fromisoformat("2021-05-25 14:00")},
        {"updated_at": datetime.fromisoformat("2021-05-25 14:00")},
        {"uid": "é" * 128},
    ],
)
def test_a_time_without_a_zone_or_a_long_uid_makes_no_entry(changes):
    with pytest.raises(ValueError, match="a calendar entry"):
        an_entry(**changes)


def test_links_to_web_calendars_carry_the_instants_in_utc():
    links = {name: urlsplit(link) for name, link in add_links(an_entry()).items()}
    assert {name: f"{link.netloc}{link.path}" for name, link in links.items()} == {
        "google": "calendar.google.com/calendar/render",
        "outlook": "outlook.live.com/calendar/0/deeplink/compose",
        "office": "outlook.office.com/calendar/deeplink/compose",
        "yahoo": "calendar.yahoo.com/",
    }
    details = f"{WATCH_URL}\n\nA dialogue of two sessions."
    assert {key: value for key, (value,) in parse_qs(links["google"].query).items()} == {
        "action": "TEMPLATE",
        "text": "Human rights and civil society",
        "dates": "20210525T140000Z/20210525T171500Z",
        "details": details,
        "location": WATCH_URL,
    }
    assert {key: value for key, (value,) in parse_qs(links["yahoo"].query).items()} == {
        "v": "60",
        "title": "Human rights and civil society",
        "st": "20210525T140000Z",
        "et": "20210525T171500Z",
        "desc": details,
        "in_loc": WATCH_URL,
    }
    assert links["outlook"].query == links["office"].query
    assert {key: value for key, (value,) in parse_qs(links["outlook"].query).items()} == {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": "Human rights and civil society",
        "startdt": "2021-05-25T14:00:00Z",
        "enddt": "2021-05-25T17:15:00Z",
        "body": details,
        "location": WATCH_URL,
    }


def test_links_encode_every_value():
    awkward = "R&D #1 + 50% é 世 ع = ? \"<'>"
    for link in add_links(an_entry(title=awkward, description=f"{awkward}\n{awkward}")).values():
        assert re.fullmatch(r"https://[a-z./0-9]+\?[A-Za-z0-9_.~%=&/:-]+", link)
        shown = parse_qs(urlsplit(link).query, strict_parsing=True)
        assert [awkward] in shown.values()
        assert [f"{WATCH_URL}\n\n{awkward}\n{awkward}"] in shown.values()


def test_links_stay_short_enough_for_web_servers():
    for link in add_links(an_entry(title="世" * 10_000, description="界" * 10_000)).values():
        assert 1_000 < len(link) < 8_000


def test_an_alarm_rings_a_quarter_of_an_hour_before():
    (entry,) = parsed(download(an_entry()))
    assert entry.valarm.trigger.value == timedelta(minutes=-15)
