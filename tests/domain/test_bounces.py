"""Bounces: read out of whatever mail comes, found by nothing but our own Message-ID, and what follows from them."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import event as listening
from sqlalchemy import select

from registration.domain import outbox, owing, signup, stopped
from registration.domain.bounces import Bounce, Outcome, note, read_bounce
from registration.domain.owed import still_owed
from registration.domain.programme import event_named
from registration.domain.statuses import is_hard, status_of_reply
from registration.extensions import db, writing
from registration.models import Delivery, StoppedAddress
from registration.models.delivery import DeliveryKind as Kind
from registration.models.delivery import DeliveryState as State
from tests.support.bounces import SERVERS, exim, headers_of, postfix
from tests.support.dialogue import (
    AMINA,
    DAY,
    LAST_END,
    MINUTE,
    SLUG,
    load_dialogue,
    owed,
    registration,
    sign_up_by_rule,
    take_part_by_rule,
)
from tests.support.erasing import forget_due
from tests.support.replies import mail, multipart, part

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
DOMAIN = "events.example.org"
DIGEST = bytes(range(16))
OURS = (
    b"From: Dialogue team <dialogue@example.org>\r\nTo: amina@example.org\r\nSubject: Your place\r\n"
    b"Message-ID: <%b@%b>\r\n\r\nWords\r\n" % (DIGEST.hex().encode(), DOMAIN.encode())
)


def read(message: bytes) -> Bounce | None:
    return read_bounce(message, domain=DOMAIN)


class TestReading:
    @pytest.mark.parametrize("server", SERVERS)
    @pytest.mark.parametrize("status", ["5.1.1", "5.2.2", "5.1.10"])
    @pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
    def test_servers_say_which_mail_and_why(self, server: str, status: str, line_end: bytes) -> None:
        message = SERVERS[server](OURS, status).replace(b"\r\n", line_end)
        assert read(b"From MAILER-DAEMON Mon Mar  2 15:10:00 2026\n" + message) == Bounce(DIGEST, "failed", status)

    @pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded"])
    def test_what_is_not_given_up_is_told_apart(self, action: str) -> None:
        assert read(postfix(OURS, "4.4.1", action)) == Bounce(DIGEST, action, "4.4.1")

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            (DIGEST.hex().encode(), DIGEST.hex().upper().encode()),
            (DIGEST.hex().encode(), DIGEST.hex().encode()[:-1]),
            (b"@" + DOMAIN.encode(), b"@example.org"),
            (b"@" + DOMAIN.encode(), b"@" + DOMAIN.encode() + b".example.com"),
            (b"Message-ID:", b"References:"),
            (b"Message-ID:", b"In-Reply-To:"),
            (b"Message-ID:", b"Message-ID: <%b@%b>\r\nMessage-ID:" % (b"0" * 32, DOMAIN.encode())),
        ],
    )
    def test_a_mail_that_is_not_by_its_message_id_ours_is_none(self, old: bytes, new: bytes) -> None:
        assert OURS.count(old) == 1
        assert [make(OURS.replace(old, new)) and read(make(OURS.replace(old, new))) for make in SERVERS.values()] == [
            None,
            None,
            None,
        ]

    @pytest.mark.parametrize(
        "message",
        [
            b"",
            b"\x00\xff" * 50,
            OURS,
            mail(AMINA, part("text/plain", b"I am away until Monday.", "7bit")),
            postfix(OURS).replace(b"multipart/report", b"multipart/mixed"),
            postfix(OURS).replace(b"report-type=delivery-status", b"report-type=disposition-notification"),
            postfix(OURS).replace(b"message/rfc822", b"text/plain"),
            postfix(OURS).replace(b"message/delivery-status", b"text/plain"),
            postfix(OURS).replace(b"Action:", b"X-Action:"),
            postfix(b"\r\n\r\nWithout headers"),
            mail(AMINA, part("message/rfc822", postfix(OURS), "7bit")),
            mail(AMINA, multipart("mixed", part("message/rfc822", postfix(OURS), "7bit"))),
            postfix(OURS)[: len(postfix(OURS)) // 2],
        ],
        ids=range(13),
    )
    def test_other_mails_are_none(self, message: bytes) -> None:
        assert read(message) is None

    def test_a_report_without_the_mail_it_is_about_is_none(self) -> None:
        whole = postfix(OURS)
        assert read(whole[: whole.rindex(b"--=_mixed", 0, whole.index(b"message/rfc822"))] + b"--\r\n") is None

    def test_of_several_recipients_behind_one_address_all_must_have_failed_and_the_mildest_reason_counts(self) -> None:
        report = postfix(OURS)
        block = b"\r\nFinal-Recipient: rfc822; other@example.org\r\nAction: %b\r\nStatus: %b\r\n\r\n--=_mixed"
        before = report.index(b"\r\n--=_mixed", report.index(b"Diagnostic-Code"))
        tail = report[before + len(b"\r\n--=_mixed") :]
        found = [
            read(report[:before] + block % more + tail) for more in ((b"delivered", b"2.0.0"), (b"failed", b"5.2.2"))
        ]
        assert found == [Bounce(DIGEST, "delivered", "2.0.0"), Bounce(DIGEST, "failed", "5.2.2")]

    @pytest.mark.parametrize("said", [b"x-unix; 550 5.1.1", b"smtp; 450 5.1.1 no", b"smtp; 550 No", b"550 5.1.1"])
    def test_a_status_that_says_nothing_stays_where_the_reply_says_no_more(self, said: bytes) -> None:
        report = exim(OURS).replace(b"smtp; 550-5.1.1 No such user.\r\n 550 5.1.1 Sorry", said)
        assert read(report) == Bounce(DIGEST, "failed", "5.0.0")

    @pytest.mark.parametrize(
        "message",
        [
            postfix(OURS) + b"x" * 1_000_000,
            b"Content-Type: message/rfc822\n\n" * 20_000 + postfix(OURS),
            postfix(OURS).replace(b"Action:", b"A: b\r\n\r\n" * 50_000 + b"Action:"),
        ],
        ids=["long", "mails", "blocks"],
    )
    def test_what_is_long_or_nested_without_end_is_a_bounce_or_none(self, message: bytes) -> None:
        assert read(message) in (None, Bounce(DIGEST, "failed", "5.1.1"))

    @hypothesis_settings(max_examples=400, deadline=None)
    @given(
        st.sampled_from([make(OURS) for make in SERVERS.values()]),
        st.lists(st.tuples(st.floats(0, 1), st.integers(0, 200), st.binary(max_size=30)), min_size=1, max_size=5),
    )
    def test_a_torn_report_is_a_bounce_of_this_mail_or_none(
        self, message: bytes, tears: list[tuple[float, int, bytes]]
    ) -> None:
        for place, length, put in tears:
            start = int(place * len(message))
            message = message[:start] + put + message[start + length :]
        found = read(message)
        assert found is None or (len(found.digest), found.status[0] in "245") == (16, True)


@pytest.mark.parametrize(
    ("code", "text", "status"),
    [
        (550, b"5.1.1 <amina@example.org>: unknown", "5.1.1"),
        (550, b"5.1.10", "5.1.10"),
        (450, b"4.2.2 full\n4.2.2 really", "4.2.2"),
        (550, b"4.2.2 full", None),
        (550, b"No such user 5.1.1", None),
        (550, b"5.1.1.1 address", None),
        (550, b"5.1.1234", None),
        (550, b"\xff\xfe", None),
        (550, b"", None),
    ],
)
def test_the_status_of_a_reply_stands_at_its_start_and_fits_its_code(
    code: int, text: bytes, status: str | None
) -> None:
    assert status_of_reply(code, text) == status


def test_hard_is_what_is_about_the_address_itself() -> None:
    """Not a full mailbox, not the sender, not the mail, not what somebody thinks of it, and nothing of class 4."""
    candidates = [f"{a}.{b}.{c}" for a in (2, 4, 5) for b in range(8) for c in range(12)]
    hard = {"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.1", "5.4.4"}
    assert {one for one in candidates if is_hard(one)} == hard
    assert not is_hard(None)


@pytest.fixture
def amina(app: Flask, now: datetime) -> int:
    load_dialogue(app)
    with app.app_context():
        return take_part_by_rule(now=now)


def send(registration_id: int, kind: Kind, now: datetime, digest: bytes = DIGEST) -> int:
    """Owe somebody a mail and hand it over. Returns the delivery's id."""
    with writing():
        owing.owe(registration(registration_id), kind, now=now)
    with writing():
        ((one,),) = outbox.claim(owner="one", limit=1, now=now)
        outbox.settle([one], outbox.Outcome(sent=True, code=250), owner="one", now=now, digest=digest)
    return one


def noted(status: str = "5.1.1", *, digest: bytes = DIGEST, action: str = "failed", now: datetime) -> Outcome:
    with writing():
        return note(Bounce(digest, action, status), now=now)


def mail_of(delivery_id: int) -> tuple[State, str | None, datetime | None]:
    found = db.session.get_one(Delivery, delivery_id, populate_existing=True)
    return found.state, found.reply_status, found.settled_at


def stops() -> list[tuple[str, datetime]]:
    db.session.rollback()
    return [(one.status, one.stopped_at) for one in db.session.scalars(select(StoppedAddress))]


@pytest.mark.usefixtures("context")
class TestNoting:
    def test_a_hard_bounce_is_noted_with_its_mail_and_stops_the_address(self, amina: int, now: datetime) -> None:
        one = send(amina, Kind.LINK, now)
        assert noted(now=now + MINUTE) is Outcome.STOPPED
        assert mail_of(one) == (State.BOUNCED, "5.1.1", now + MINUTE)
        assert stops() == [("5.1.1", now + MINUTE)]

    @pytest.mark.parametrize("status", ["5.2.2", "5.7.1", "4.4.7", "5.0.0", "5.1.8"])
    def test_any_other_bounce_is_noted_and_stops_nothing(self, amina: int, now: datetime, status: str) -> None:
        one = send(amina, Kind.LINK, now)
        assert noted(status, now=now + MINUTE) is Outcome.NOTED
        assert mail_of(one) == (State.BOUNCED, status, now + MINUTE)
        assert stops() == []

    @pytest.mark.parametrize("action", ["delayed", "relayed", "delivered", "expanded", ""])
    def test_what_is_not_given_up_changes_nothing(self, amina: int, now: datetime, action: str) -> None:
        one = send(amina, Kind.LINK, now)
        assert noted(action=action, now=now + MINUTE) is Outcome.NOT_FAILED
        assert (mail_of(one), stops()) == ((State.SENT, None, now), [])

    @SQLITE
    def test_a_forged_one_changes_nothing(self, amina: int, now: datetime) -> None:
        one = send(amina, Kind.LINK, now)
        assert noted(digest=bytes(16), now=now) is Outcome.UNKNOWN
        assert (mail_of(one), stops()) == ((State.SENT, None, now), [])

    def test_all_that_waits_for_any_registration_of_the_address_is_stopped_and_nothing_of_others(
        self, amina: int, now: datetime
    ) -> None:
        sign_up_by_rule("chi@example.org", "experts", now=now)
        with writing():
            ((proof,),) = outbox.claim(owner="one", limit=1, now=now)
            outbox.settle([proof], outbox.Outcome(sent=True, code=250), owner="one", now=now, digest=DIGEST)
        chi = take_part_by_rule("chi@example.org", now=now)
        for person in (amina, chi):
            with writing():
                owing.owe(registration(person), Kind.CHANGED, now=now)
        assert noted(now=now + MINUTE) is Outcome.STOPPED
        assert owed(Kind.PROVE)[-2:] == [(Kind.PROVE, State.BOUNCED), (Kind.PROVE, State.SENT)]
        assert owed(Kind.CHANGED) == [(Kind.CHANGED, State.WAITING), (Kind.CHANGED, State.STOPPED)]

    def test_a_worker_that_has_a_mail_in_hand_finds_its_mark_gone(self, amina: int, now: datetime) -> None:
        send(amina, Kind.LINK, now)
        with writing():
            owing.owe(registration(amina), Kind.CHANGED, now=now)
        with writing():
            ((one,),) = outbox.claim(owner="one", limit=1, now=now)
        before = outbox.marks([one], owner="one", now=now)
        noted(now=now)
        assert list(before) == [one]
        assert outbox.marks([one], owner="one", now=now) == {}

    def test_what_had_begun_by_then_is_recorded_as_it_went(self, amina: int, now: datetime) -> None:
        send(amina, Kind.LINK, now)
        with writing():
            owing.owe(registration(amina), Kind.CHANGED, now=now)
        with writing():
            ((one,),) = outbox.claim(owner="one", limit=1, now=now)
        noted(now=now)
        with writing():
            outbox.settle([one], outbox.Outcome(sent=True, code=250), owner="one", now=now, digest=b"2" * 16)
        assert mail_of(one)[0] is State.SENT
        assert noted(digest=b"2" * 16, now=now + MINUTE) is Outcome.STOPPED
        assert stops() == [("5.1.1", now)]

    def test_a_report_that_comes_twice_is_noted_once(self, amina: int, now: datetime) -> None:
        one = send(amina, Kind.LINK, now)
        assert [noted(now=now), noted(now=now + DAY)] == [Outcome.STOPPED, Outcome.UNKNOWN]
        assert (mail_of(one), stops()) == ((State.BOUNCED, "5.1.1", now), [("5.1.1", now)])

    @SQLITE
    def test_an_old_report_stops_no_address_that_is_written_to_again(self, amina: int, now: datetime) -> None:
        send(amina, Kind.LINK, now)
        noted(now=now)
        with writing():
            stopped.write_again(registration(amina))
        assert noted(now=now + DAY) is Outcome.UNKNOWN
        assert stops() == []

    @pytest.mark.parametrize(("status", "state"), [("5.1.1", State.STOPPED), ("5.2.2", State.WAITING)])
    def test_a_mail_that_arrived_unheard_and_came_back(
        self, amina: int, now: datetime, status: str, state: State
    ) -> None:
        """The server's answer to the dot was lost, so the mail waits for its next try."""
        with writing():
            owing.owe(registration(amina), Kind.LINK, now=now)
        with writing():
            ((one,),) = outbox.claim(owner="one", limit=1, now=now)
            outbox.settle([one], outbox.Outcome(sent=False), owner="one", now=now, digest=DIGEST)
        noted(status, now=now)
        assert mail_of(one)[0] is state

    def test_what_is_owed_later_is_settled_as_stopped(self, amina: int, now: datetime) -> None:
        send(amina, Kind.LINK, now)
        noted(now=now)
        with writing():
            signup.send_link_again(event_named(SLUG), AMINA, now=now + DAY)
        with writing():
            ((one,),) = outbox.claim(owner="one", limit=1, now=now + DAY)
        assert still_owed(one, owner="one", now=now + DAY) is None
        with writing():
            outbox.drop([one], owner="one", now=now + DAY)
        assert mail_of(one) == (State.STOPPED, None, now + DAY)

    def test_an_address_is_forgotten_with_the_last_who_has_it(self, amina: int, now: datetime) -> None:
        send(amina, Kind.LINK, now)
        noted(now=now)
        forget_due(LAST_END + DAY)
        assert stops() == [("5.1.1", now)]
        forget_due(LAST_END + 31 * DAY)
        assert stops() == []


def test_headers_of_a_mail_are_all_that_a_report_has_to_send_back() -> None:
    assert read(postfix(headers_of(OURS) + b"\r\n")) == Bounce(DIGEST, "failed", "5.1.1")


@SQLITE
@pytest.mark.usefixtures("context")
def test_noting_and_forgetting_walk_through_no_table_of_people_or_mails(amina: int, now: datetime) -> None:
    send(amina, Kind.LINK, now)
    with writing():
        owing.owe(registration(amina), Kind.CHANGED, now=now)
    asked: list[tuple[str, object]] = []

    def keep(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        asked.append((statement, parameters))

    engine = db.engine
    listening.listen(engine, "before_cursor_execute", keep)
    noted(now=now)
    with writing():
        stopped.forget_strangers()
    listening.remove(engine, "before_cursor_execute", keep)
    with engine.connect() as connection:
        plans = [
            row[3]
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[arg-type]
        ]
    assert [one for one in plans if one.startswith("SCAN")] == ["SCAN stopped_address"]
    assert [one for one in plans if "ix_delivery_due" in one] == []
    assert [one for one in plans if "ix_delivery_message_digest" in one] != []
