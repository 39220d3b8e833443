"""Replies to invitations: read out of whatever mail comes, and noted, with nothing following from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select

from registration.domain.replies import MailedReply, Outcome, note, read_reply, replies_of
from registration.extensions import Base, db, writing
from registration.models.invitation import Reply
from tests.support.clock import START
from tests.support.dialogue import AMINA, DAY, MINUTE, SESSIONS, load_dialogue, registrations, sign_up_by_rule
from tests.support.organizers import add_person
from tests.support.replies import (
    OUR_ADDRESS,
    PROGRAMS,
    bare,
    calendar_lines,
    gmail,
    invitations,
    invite,
    mail,
    multipart,
    part,
    stamp,
)

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
UID = "kX3-_9fQ2a"
LATER = START + DAY
ANSWERED = MailedReply(UID, AMINA, Reply.DECLINED, LATER)
REPLY = bare(UID, AMINA, "DECLINED", LATER)


def changed(old: str, new: str, message: bytes = REPLY) -> bytes:
    """The reply with `new` in the place of `old`, which stands in it once."""
    assert message.count(old.encode()) == 1, old
    return message.replace(old.encode(), new.encode())


class TestReading:
    @pytest.mark.parametrize("program", PROGRAMS)
    @pytest.mark.parametrize("answer", list(Reply))
    def test_programs_say_who_answers_what_and_when(self, program: str, answer: Reply) -> None:
        message = PROGRAMS[program](UID, AMINA, answer.upper(), LATER)
        assert read_reply(message) == MailedReply(UID, AMINA, answer, LATER)

    @pytest.mark.parametrize("program", PROGRAMS)
    def test_lines_may_end_as_on_unix_and_follow_a_line_of_a_mailbox(self, program: str) -> None:
        message = PROGRAMS[program](UID, AMINA, "DECLINED", LATER).replace(b"\r\n", b"\n")
        assert read_reply(b"From amina@example.org Mon Mar  2 15:10:00 2026\n" + message) == ANSWERED

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("ATTENDEE;PARTSTAT", "attendee;partstat"),
            ("DECLINED:mailto:", "declined:MailTo:"),
            ("METHOD:REPLY", "Method:reply"),
            ("ATTENDEE;PARTSTAT=DECLINED:mailto", "ATTEN\r\n DEE;PART\r\n\tSTAT=DECLI\r\n NED:mail\r\n to"),
            ("PARTSTAT=DECLINED:mailto", 'CN="A: ; , \\ é";PARTSTAT="DECLINED";X-A=1,2:mailto'),
            (f"mailto:{AMINA}", "mailto:%61mina%40example.org"),
            (f"ORGANIZER:mailto:{OUR_ADDRESS}\r\n", ""),
            ("VERSION:2.0", "VERSION:2.0\r\nX-A B;;=:\x00\x01 \x7f\r\n:\r\n;\r\nno colon"),
            ("BEGIN:VCALENDAR", "\ufeffBEGIN:VCALENDAR"),
            ("END:VCALENDAR", ""),
            ("text/calendar; method=reply", "text/calendar"),
            ("text/calendar; method=reply", "TEXT/Calendar; charset=no-such-charset"),
            ("text/calendar; method=reply", "application/octet-stream; name*=utf-8'fr'r%C3%A9ponse.ICS"),
            ("Encoding: 7bit", "Encoding: x-unknown"),
        ],
    )  # fmt: skip
    def test_what_programs_may_write_otherwise_changes_nothing(self, old: str, new: str) -> None:
        assert read_reply(changed(old, new)) == ANSWERED

    def test_an_address_is_taken_as_it_is_written_but_for_the_case_of_its_domain(self) -> None:
        read = read_reply(bare(UID, "Amina+UN@Example.ORG", "ACCEPTED", LATER))
        assert read == MailedReply(UID, "Amina+UN@example.org", Reply.ACCEPTED, LATER)

    @pytest.mark.parametrize(
        "written", ["", "20260303T150000", "20260303", "20261399T150000Z", "00000101T000000Z", "soon", "9" * 5000]
    )
    def test_a_stamp_that_is_no_instant_is_none(self, written: str) -> None:
        read = read_reply(changed(f"DTSTAMP:{stamp(LATER)}", f"DTSTAMP:{written}"))
        assert read == MailedReply(UID, AMINA, Reply.DECLINED, None)

    def test_the_first_calendar_that_is_a_reply_counts(self) -> None:
        request = part("text/calendar; method=REQUEST", calendar_lines("BEGIN:VCALENDAR", "METHOD:REQUEST"), "7bit")
        reply = REPLY.partition(b"MIME-Version: 1.0\r\n")[2]
        other = changed("DECLINED", "ACCEPTED", reply)
        assert read_reply(mail(AMINA, multipart("mixed", request, reply, other))) == ANSWERED

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("METHOD:REPLY\r\n", ""),
            ("METHOD:REPLY", "METHOD:REPLY\r\nMETHOD:REPLY"),
            ("METHOD:REPLY", "METHOD:REQUEST"),
            ("METHOD:REPLY", "METHOD:COUNTER"),
            ("METHOD:REPLY", "METHOD:REFRESH"),
            ("METHOD:REPLY", "METHOD:CANCEL"),
            ("DECLINED", "NEEDS-ACTION"),
            ("DECLINED", "DELEGATED"),
            ("DECLINED", "ACCEPTED,DECLINED"),
            (";PARTSTAT=DECLINED", ""),
            ("ATTENDEE;PARTSTAT=DECLINED:", "ATTENDEE;PARTSTAT=DECLINED:mailto:b@example.org\r\nATTENDEE:"),
            ("mailto:amina@", "urn:uuid:amina@"),
            ("mailto:amina@", "amina@"),
            ("mailto:amina@", "sip:amina@"),
            ("mailto:amina@", "mailto:a@b@"),
            ("mailto:amina@", "mailto:%00amina@"),
            ("mailto:amina@", "mailto:amina%0d%0a@"),
            ("mailto:amina@", f"mailto:{'a' * 1_000_000}@"),
            ("mailto:amina@example.org", "mailto:amina@example.org?subject=x"),
            ("mailto:amina@example.org", "mailto:"),
            (f"UID:{UID}", "UID:"),
            (f"UID:{UID}", "UID:\x00"),
            (f"UID:{UID}", f"UID:{UID}é"),
            (f"UID:{UID}", f"UID:{'x' * 23}"),
            (f"UID:{UID}", f"UID:{UID}\r\nUID:{UID}"),
            (f"UID:{UID}\r\n", ""),
            ("BEGIN:VEVENT", "BEGIN:VTODO"),
            ("END:VEVENT", "END:VEVENT\r\nBEGIN:VEVENT\r\nUID:other\r\nEND:VEVENT"),
            ("BEGIN:VEVENT", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT"),
            ("text/calendar", "text/plain"),
            ("Encoding: 7bit", "Encoding: base64"),
        ],
    )  # fmt: skip
    def test_what_is_no_reply_of_one_person_about_one_session_is_none(self, old: str, new: str) -> None:
        assert read_reply(changed(old, new)) is None

    @pytest.mark.parametrize(
        "message",
        [
            b"",
            b"\x00",
            b"\r\n\r\n",
            b"\xff\xfe" * 100,
            mail(AMINA, part("text/plain; charset=utf-8", b"I am away until Monday.", "7bit")),
            mail(AMINA, part("message/rfc822", REPLY, "7bit")),
            mail(AMINA, multipart("digest", part("message/rfc822", gmail(UID, AMINA, "DECLINED", LATER), "7bit"))),
            mail(AMINA, multipart("report", part("message/delivery-status", b"Status: 5.1.1\r\n", "7bit"))),
            mail(AMINA, part("multipart/mixed; boundary=x", b"no part here", "7bit")),
            mail(AMINA, part("multipart/mixed", REPLY, "7bit")),
            mail(AMINA, part("text/calendar", b"BEGIN:VCALENDAR", "uuencode")),
            REPLY[: len(REPLY) // 2],
        ],
        ids=range(12),
    )
    def test_other_mails_are_none(self, message: bytes) -> None:
        assert read_reply(message) is None

    @pytest.mark.parametrize(
        "message",
        [
            b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(5000)) + REPLY,
            b"Content-Type: message/rfc822\n\n" * 20_000 + REPLY,
            b"Content-Type: text/calendar " + b"(" * 100_000 + b"\n\n" + REPLY,
            part("text/calendar", b"BEGIN:VCALENDAR\n" * 50_000, "7bit"),
            part("text/calendar", b"BEGIN:VCALENDAR\nBEGIN:VEVENT\n" + b"ATTENDEE:a\n" * 50_000, "7bit"),
            part("text/calendar", b"A" * 1_000_000, "quoted-printable"),
            part("text/calendar; charset=punycode", b"BEGIN:VCALENDAR-" + b"z" * 500_000, "7bit"),
        ],
        ids=["multiparts", "mails", "comments", "components", "attendees", "long line", "punycode"],
    )
    def test_what_is_nested_or_repeated_without_end_is_none(self, message: bytes) -> None:
        assert read_reply(message) is None

    def test_a_zone_whose_rules_never_end_is_not_computed(self) -> None:
        """This one would keep icalendar busy for hours."""
        zone = (
            "BEGIN:VTIMEZONE\r\nTZID:Endless\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
            "RRULE:FREQ=SECONDLY\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
        )
        assert read_reply(changed("BEGIN:VEVENT", f"{zone}BEGIN:VEVENT")) == ANSWERED


REAL = [make(UID, AMINA, "DECLINED", LATER) for make in PROGRAMS.values()]
PIECES = st.one_of(
    st.binary(max_size=40),
    st.sampled_from(
        [
            *(b"\r\n", b"\r", b"\n ", b"\x00", b'"', b";", b":", b"=", b"\\", b"--", b"(", b"\xff\xfe", b"=?utf-8?q?"),
            *(b"BEGIN:VEVENT\r\n", b"END:VCALENDAR\r\n", b"METHOD:REPLY\r\n", b"ATTENDEE", b"DTSTAMP:", b"UID:"),
            *(b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n", b"Content-Type: message/rfc822\r\n\r\n"),
            *(b"Content-Transfer-Encoding: base64\r\n", b"; charset=utf-16", b'; name*0*=utf-8\'\'a%ff.ics; name*1="'),
        ]
    ),
)  # fmt: skip


class TestJunk:
    """Whatever comes is a reply or none; a raised exception would make the mail server bounce."""

    @hypothesis_settings(max_examples=300, deadline=None)
    @given(st.lists(PIECES, max_size=30))
    def test_any_bytes_are_a_reply_or_none(self, pieces: list[bytes]) -> None:
        self.check(b"".join(pieces))

    @hypothesis_settings(max_examples=600, deadline=None)
    @given(
        st.sampled_from(REAL),
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 200), PIECES), min_size=1, max_size=5),
    )
    def test_a_torn_reply_is_a_reply_or_none(self, message: bytes, tears: list[tuple[float, int, bytes]]) -> None:
        for place, length, put in tears:
            start = int(place * len(message))
            message = message[:start] + put + message[start + length :]
        self.check(message)

    @hypothesis_settings(max_examples=300, deadline=None)
    @given(st.lists(st.text(max_size=40), max_size=8), st.text(max_size=60), st.text(max_size=30))
    def test_any_words_in_a_calendar_are_a_reply_or_none(self, lines: list[str], address: str, uid: str) -> None:
        said = [f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{address}", f"UID:{uid}", *lines]
        calendar = "\r\n".join(["BEGIN:VCALENDAR", "METHOD:REPLY", "BEGIN:VEVENT", *said, "END:VEVENT"])
        self.check(mail(AMINA, part("text/calendar", calendar.encode("utf-8", "surrogatepass"), "base64")))

    def check(self, message: bytes) -> None:
        read = read_reply(message)
        if read is not None:
            assert (read.reply in Reply, "@" in read.address, read.uid.isascii()) == (True, True, True)
            assert read.address.isprintable()
            assert 0 < len(read.uid) <= 22


@pytest.fixture
def amina(app: Flask) -> str:
    """The public id of somebody who holds the invitations of both sessions."""
    load_dialogue(app)
    with app.app_context():
        public_id = add_person("Amina", address=AMINA, sessions=("human-rights", "civil-society"))
        invite(public_id, *SESSIONS)
    return public_id


def uid_of(public_id: str, slug: str = "human-rights") -> str:
    return invitations(public_id)[slug].session.code


def noted(
    public_id: str,
    answer: Reply = Reply.DECLINED,
    written_at: datetime | None = LATER,
    *,
    address: str = AMINA,
    uid: str = "",
    now: datetime = LATER,
) -> Outcome:
    with writing():
        return note(MailedReply(uid or uid_of(public_id), address, answer, written_at), now=now)


def known(public_id: str, slug: str = "human-rights") -> tuple[Reply | None, datetime | None]:
    held = invitations(public_id)[slug]
    return held.reply, held.replied_at


def everything() -> dict[str, list[tuple[object, ...]]]:
    """All rows of the database, but for what a reply may change."""
    db.session.rollback()
    return {
        table.name: [
            tuple(row)
            for row in db.session.execute(
                select(*(one for one in table.columns if one.name not in ("reply", "replied_at"))).order_by(
                    *table.primary_key
                )
            )
        ]
        for table in Base.metadata.sorted_tables
    }


@pytest.mark.usefixtures("context")
class TestNoting:
    @pytest.mark.parametrize("answer", list(Reply))
    def test_a_reply_is_noted_with_its_session_and_with_no_other(self, amina: str, answer: Reply) -> None:
        assert noted(amina, answer, LATER - MINUTE) is Outcome.NOTED
        assert known(amina) == (answer, LATER - MINUTE)
        assert known(amina, "civil-society") == (None, None)

    def test_nothing_else_changes(self, amina: str) -> None:
        before = everything()
        assert noted(amina) is Outcome.NOTED
        assert everything() == before

    def test_the_same_mail_twice_is_as_good_as_once(self, amina: str) -> None:
        assert [noted(amina), noted(amina, now=LATER + DAY)] == [Outcome.NOTED, Outcome.NOTED]
        assert known(amina) == (Reply.DECLINED, LATER)

    def test_one_written_later_replaces_one_written_earlier_whichever_comes_first(self, amina: str) -> None:
        assert noted(amina, Reply.DECLINED, LATER - MINUTE) is Outcome.NOTED
        assert noted(amina, Reply.ACCEPTED, LATER - DAY / 2) is Outcome.OLDER
        assert known(amina) == (Reply.DECLINED, LATER - MINUTE)
        assert noted(amina, Reply.TENTATIVE, LATER) is Outcome.NOTED
        assert known(amina) == (Reply.TENTATIVE, LATER)

    def test_of_two_with_one_stamp_the_last_to_come_counts(self, amina: str) -> None:
        """Some programs copy the stamp of the invitation into every reply."""
        assert noted(amina, Reply.ACCEPTED, LATER) is Outcome.NOTED
        assert noted(amina, Reply.DECLINED, LATER) is Outcome.NOTED
        assert known(amina) == (Reply.DECLINED, LATER)

    def test_one_from_the_future_keeps_no_later_one_out(self, amina: str) -> None:
        noted(amina, Reply.ACCEPTED, datetime(2999, 1, 1, tzinfo=UTC))
        assert known(amina) == (Reply.ACCEPTED, LATER)
        assert noted(amina, Reply.DECLINED, LATER + MINUTE, now=LATER + MINUTE) is Outcome.NOTED

    def test_one_without_a_stamp_counts_as_written_when_it_comes(self, amina: str) -> None:
        noted(amina, Reply.ACCEPTED, None)
        assert known(amina) == (Reply.ACCEPTED, LATER)

    @hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.datetimes(timezones=st.just(UTC)))
    @example(datetime.min.replace(tzinfo=UTC))
    @example(datetime.max.replace(tzinfo=UTC))
    def test_no_stamp_is_earlier_than_the_registration_or_later_than_now(self, amina: str, stamp: datetime) -> None:
        noted(amina, written_at=stamp)
        answer, at = known(amina)
        assert answer is Reply.DECLINED
        assert at is not None
        assert START <= at <= LATER

    @pytest.mark.parametrize("address", ["AMINA@EXAMPLE.ORG", "Amina@example.org"])
    def test_an_address_is_the_same_in_any_case(self, amina: str, address: str) -> None:
        assert noted(amina, address=address) is Outcome.NOTED

    @pytest.mark.parametrize("address", ["amina+un@example.org", "bo@example.org", "amina@example.com"])
    def test_another_address_holds_nothing(self, amina: str, address: str) -> None:
        assert noted(amina, address=address) is Outcome.NOT_HELD
        assert known(amina) == (None, None)

    @SQLITE
    def test_an_address_with_a_tag_is_one_of_its_own(self, amina: str) -> None:
        tagged = add_person("Amina", address="amina+un@example.org")
        invite(tagged, "human-rights")
        assert noted(amina, address="amina+un@example.org") is Outcome.NOTED
        assert (known(tagged), known(amina)) == ((Reply.DECLINED, LATER), (None, None))

    @pytest.mark.parametrize("uid", ["unknown", "-", "0" * 22])
    def test_an_entry_that_is_none_of_ours_is_held_by_nobody(self, amina: str, uid: str) -> None:
        assert noted(amina, uid=uid) is Outcome.NOT_HELD

    def test_who_has_not_proved_the_address_is_not_meant(self, amina: str) -> None:
        sign_up_by_rule("bo@example.org", now=START)
        unproved = registrations("bo@example.org")[0].public_id
        invite(unproved, "human-rights")
        assert noted(amina, address="bo@example.org") is Outcome.NOT_HELD
        assert known(unproved) == (None, None)

    @SQLITE
    def test_who_holds_no_invitation_cannot_answer_one(self, amina: str) -> None:
        add_person("Bo", address="bo@example.org", sessions=("human-rights",))
        assert noted(amina, address="bo@example.org") is Outcome.NOT_HELD

    @SQLITE
    def test_replies_stand_in_the_order_of_their_sessions(self, amina: str) -> None:
        noted(amina, Reply.ACCEPTED, uid=uid_of(amina, "civil-society"))
        person = invitations(amina)["human-rights"].registration
        assert [one.session.slug for one in replies_of(person)] == ["civil-society"]
        noted(amina, Reply.DECLINED)
        assert [(one.session.slug, one.reply) for one in replies_of(person)] == [
            ("human-rights", Reply.DECLINED),
            ("civil-society", Reply.ACCEPTED),
        ]

    @SQLITE
    @pytest.mark.parametrize("program", PROGRAMS)
    def test_a_mail_is_read_and_noted(self, amina: str, program: str) -> None:
        read = read_reply(PROGRAMS[program](uid_of(amina), AMINA, "TENTATIVE", LATER))
        assert read is not None
        with writing():
            assert note(read, now=LATER + timedelta(seconds=5)) is Outcome.NOTED
        assert known(amina) == (Reply.TENTATIVE, LATER)
