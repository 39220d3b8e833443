"""A mail server's answer has its time, however it trickles in."""

from __future__ import annotations

import smtplib

import pytest

from registration.mail.answers import CarefulSMTP
from tests.faults.sink import Behaviour, Point, running_sink
from tests.support.ports import HERE


class Hasty(CarefulSMTP):
    """Waits less than the seven seconds that this server's answer takes octet by octet, and longer than for any one."""

    patience = 1.0


def test_a_server_that_answers_octet_by_octet_is_not_waited_for() -> None:
    with running_sink() as sink:
        sink.rule = lambda point, _recipient: Behaviour(pause=0.15) if point is Point.EHLO else None
        client = Hasty(HERE, sink.port, timeout=5)
        with pytest.raises(smtplib.SMTPServerDisconnected, match=r"timed out|too long"):
            client.ehlo()
        assert client.sock is None


def test_a_server_that_answers_in_pieces_is_understood() -> None:
    with running_sink() as sink:
        sink.rule = lambda point, _recipient: Behaviour(pause=0.001) if point is Point.EHLO else None
        with Hasty(HERE, sink.port, timeout=5) as client:
            assert client.ehlo()[0] == 250
            assert client.has_extn("size")
