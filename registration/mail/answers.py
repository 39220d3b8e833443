"""A mail server's answers, read by a deadline: smtplib's time-out begins anew with every octet that comes."""

from __future__ import annotations

import io
import smtplib
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SMTP_TIMEOUT = 15
"""Seconds for an answer of the mail server, however it trickles in."""
OPENING_TIMEOUT = 30
"""Seconds for all that comes between the greeting and the first mail: EHLO, STARTTLS, AUTH."""
DOT_TIMEOUT = 60
"""Seconds for the answer to the dot. A server that looks into mail first takes its time, and who gives up on it sends
again what has arrived (RFC 5321, 4.5.3.2.6)."""
END_OF_MAIL = b"\r\n.\r\n"


LOOK_EVERY = 0.5
"""Seconds between two looks, while an answer is waited for, at whether that is given up."""


class Withdrawn(Exception):
    """A mail has become wrong before its DATA was begun, or there is no time for it, and nothing of it was sent."""


class CarefulSMTP(smtplib.SMTP):
    """smtplib's client, which asks once more before it begins DATA, and gives each answer its time and no more.

    Two addresses to connect to, the greeting, the opening, MAIL, RCPT, DATA and the dot fit twice into the lease of
    `domain.outbox`.
    """

    is_right: Callable[[], bool]
    gives_up: Callable[[], bool] = staticmethod(lambda: False)
    """Whether an answer is not to be waited for any more. From DATA on it is all the same: whoever hangs up does not
    know what became of the mail."""
    has_given_up = False
    patience: float = SMTP_TIMEOUT
    _in_data = False
    _after_dot = False
    _until: float = float("inf")
    _answers: _Answers | None = None

    def data(self, msg: bytes | str) -> tuple[int, bytes]:  # type: ignore[override]  # the stub has a private type
        """Send the mail itself, the last step of handing it over. Raises Withdrawn."""
        if not self.is_right():
            raise Withdrawn
        self._in_data = True
        try:
            return super().data(msg)
        finally:
            self._in_data = False

    def send(self, s: bytes | str) -> None:  # type: ignore[override]  # the same
        """Send, and be patient after the end of a mail."""
        super().send(s)
        self._after_dot = isinstance(s, bytes) and s.endswith(END_OF_MAIL)

    def getreply(self) -> tuple[int, bytes]:
        """Read an answer; the next has the usual time. Raises what smtplib raises of a line that is dead."""
        if self.sock and self.file is None:
            self._answers = _Answers(self.sock, self._is_given_up)
            self.file = io.BufferedReader(self._answers)
        if self._answers:
            patience = DOT_TIMEOUT if self._after_dot else self.patience
            self._answers.deadline = min(time.monotonic() + patience, self._until)
        try:
            return super().getreply()
        finally:
            if self.sock:
                self.sock.settimeout(SMTP_TIMEOUT)

    def _is_given_up(self) -> bool:
        self.has_given_up = self.has_given_up or (not self._in_data and self.gives_up())
        return self.has_given_up

    @contextmanager
    def opening(self) -> Iterator[None]:
        """Give what is said in this block OPENING_TIMEOUT altogether."""
        self._until = time.monotonic() + OPENING_TIMEOUT
        try:
            yield
        finally:
            self._until = float("inf")


class _Answers(io.RawIOBase):
    """What comes in on a connection, until `deadline` (of the monotonic clock)."""

    deadline = float("inf")

    def __init__(self, connection: socket.socket, is_given_up: Callable[[], bool]) -> None:
        self._connection = connection
        self._is_given_up = is_given_up

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed has any writable buffer
        """Wait for octets no longer than the deadline allows. Raises TimeoutError."""
        while (left := self.deadline - time.monotonic()) > 0:
            self._connection.settimeout(min(left, LOOK_EVERY))
            try:
                return self._connection.recv_into(buffer)
            except TimeoutError:
                if self._is_given_up():
                    break
        raise TimeoutError("the answer took too long")
