"""One test mail by the way all mails take, and what the mail server says at each step of it.

It is for the eyes of whoever runs the service: answers are shown as they are, and kept nowhere.
"""

from __future__ import annotations

import enum
import smtplib
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from config import Settings
from registration.keys import new_public_id
from registration.mail.answers import CarefulSMTP
from registration.mail.check_advice import End, advice, reason
from registration.mail.letter import Letter
from registration.mail.posting import (
    FilePostman,
    Postman,
    Unreachable,
    finished,
    message_of,
    postman,
    sender_domain,
)

Tell = Callable[[str], None]


class Verdict(enum.StrEnum):
    """What came of a test mail, in its last sentence."""

    TAKEN = "It came through."
    REFUSED = "It did not come through."
    WRITTEN = "It is a file: nothing has left this machine."


STEPS = {
    "connect": "connection",
    "ehlo": "EHLO",
    "helo": "HELO",
    "starttls": "STARTTLS",
    "auth": "AUTH",
    "mail": "MAIL",
    "rcpt": "RCPT",
    "data": "DATA",
    "dot": "the mail itself",
}
FAREWELL = ("rset", "quit")
TEST_WORDS = "This is a test mail from Plenary: mail leaves, and reaches you.\n"


@dataclass
class Talk:
    """How far a talk has come: the step that was asked for last, the answer to it, and what went wrong."""

    tell: Tell
    step: str = "connect"
    code: int = 0
    text: str = ""
    error: BaseException | None = None
    over: bool = False

    def ask(self, command: str) -> None:
        """Note what is asked. What is no command is a part of signing in, and secret."""
        word = command.lower()
        self.over = self.over or word in FAREWELL
        if word in STEPS and not self.over:
            self.step, self.code, self.text = word, 0, ""

    def hear(self, code: int, text: str, sock: socket.socket | None) -> None:
        """Note an answer, and tell of it."""
        if self.over:
            return
        self.code, self.text = code, text
        if self.step == "ehlo" and isinstance(sock, ssl.SSLSocket):
            self.tell(f"Encrypted with {sock.version()}; the certificate is valid.")
        if code < 400 and (said := self._good()):
            self.tell(said)
        if (self.step, code) == ("data", 354):
            self.step, self.code = "dot", 0

    def _good(self) -> str:
        first, *offered = self.text.splitlines() or [""]
        return {
            "connect": f"Connected; it says: {self.code} {first}",
            "ehlo": f"EHLO: it offers {', '.join(offered) or 'nothing more'}.",
            "starttls": "STARTTLS: it is ready to encrypt.",
            "auth": "AUTH: signed in." if self.code == 235 else "",
            "mail": "MAIL: it takes BOUNCE_ADDRESS as the envelope's sender.",
            "rcpt": "RCPT: it takes the recipient.",
            "dot": f"DATA: it has taken the mail: {self.code} {first}",
        }.get(self.step, "")


def check(address: str, tell: Tell, *, now: datetime) -> Verdict:
    """Send a test mail to an address, and tell each step. Returns what came of it."""
    message = finished(message_of(_letter(address), message_id=f"<{new_public_id()}@{sender_domain()}>", now=now))
    by = postman()
    if isinstance(by, FilePostman):
        with by:
            by.post(message, lambda: True)
        tell(f"No MAIL_SERVER is set on this development machine: the mail is a file in {by.folder}.")
        return Verdict.WRITTEN
    _tell_settings(tell)
    talk = Talk(tell)
    try:
        with Postman(_listening_to(talk)) as post:
            if post.post(message, lambda: True).sent:
                return Verdict.TAKEN
    except Unreachable as error:
        talk.error = talk.error or error.__cause__
    end = End(talk.step, talk.code, talk.text, talk.error)
    tell(f"It stopped at {STEPS[talk.step]}: {reason(end)}")
    tell(advice(end))
    return Verdict.REFUSED


def _tell_settings(tell: Tell) -> None:
    state = current_app.extensions["mail"]
    signs_in = state.username and state.password
    encrypted = "encrypted" if state.use_tls else "not encrypted, for MAIL_USE_TLS is off"
    signed_in = f"signed in as {state.username}" if signs_in else "not signed in, for MAIL_USERNAME is empty"
    tell(f"Mail server {state.server}, port {state.port}: {encrypted}; {signed_in}.")
    settings: Settings = current_app.config["PLENARY"]
    tell(f"From {settings.mail_default_sender}; in the envelope {settings.bounce_address} (BOUNCE_ADDRESS).")


def _letter(address: str) -> Letter:
    return Letter(
        to=address,
        sender_name="Plenary",
        reply_to="",
        language="en",
        subject="Test of the mail server",
        text=TEST_WORDS,
        html=f"<!doctype html>\n<p>{TEST_WORDS}</p>\n",
    )


def _listening_to(talk: Talk) -> type[CarefulSMTP]:
    """Return the client that all mail leaves by, with somebody who listens."""

    class Listened(CarefulSMTP):
        def putcmd(self, cmd: str, args: str = "") -> None:
            talk.ask(cmd)
            super().putcmd(cmd, args)

        def getreply(self) -> tuple[int, bytes]:
            try:
                code, text = super().getreply()
            except (OSError, smtplib.SMTPException) as error:
                if not talk.over:
                    talk.error = error.__context__ or error
                raise
            talk.hear(code, text.decode(errors="replace"), self.sock)
            return code, text

    return Listened
