"""A real SMTP server on this machine, which keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from icalendar import Calendar

from tests.support.ports import HERE, free_port


@dataclass(frozen=True)
class ReceivedMail:
    """One mail: the message as a mail program reads it, its octets, and the envelope around it."""

    message: EmailMessage
    octets: bytes
    sender: str
    recipients: tuple[str, ...]

    @property
    def subject(self) -> str:
        """The decoded subject."""
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        """The plain text part."""
        return self._body("plain")

    @property
    def html(self) -> str:
        """The HTML part."""
        return self._body("html")

    @property
    def invitation(self) -> Calendar | None:
        """What a calendar program reads beside the text, if the mail is an invitation."""
        for part in self.message.walk():
            if part.get_content_type() == "text/calendar" and part.get_param("method"):
                return Calendar.from_ical(part.get_content())
        return None

    def _body(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        assert part is not None, f"the mail has no {kind} part"
        return str(part.get_content())


class MailServer:
    """The inbox of everybody. `replies` says by recipient what to answer instead: "451 4.3.0 Later"."""

    def __init__(self, hostname: str, port: int) -> None:
        self.hostname = hostname
        self.port = port
        self.mails: list[ReceivedMail] = []
        self.replies: dict[str, str] = {}
        self.reply_to_sender = ""
        self.reply_to_data = ""

    def clear(self) -> None:
        """Forget all mails and answer 250 to everybody again."""
        self.mails.clear()
        self.replies.clear()
        self.reply_to_sender = ""
        self.reply_to_data = ""

    def to(self, recipient: str) -> list[ReceivedMail]:
        """The mails whose envelope names `recipient`, in the order of arrival."""
        return [mail for mail in self.mails if recipient in mail.recipients]

    def last_to(self, recipient: str) -> ReceivedMail:
        """The newest of them; fails if there is none."""
        mails = self.to(recipient)
        assert mails, f"no mail to {recipient}; there are mails to {[mail.recipients for mail in self.mails]}"
        return mails[-1]

    def letters_to(self, recipient: str) -> list[ReceivedMail]:
        """The mails to `recipient` that are no invitations."""
        return [mail for mail in self.to(recipient) if mail.invitation is None]

    def last_letter_to(self, recipient: str) -> ReceivedMail:
        """The newest of them; fails if there is none."""
        return self.letters_to(recipient)[-1]

    def invitations_to(self, recipient: str) -> list[Calendar]:
        """The invitations to `recipient`, in the order of arrival."""
        return [mail.invitation for mail in self.to(recipient) if mail.invitation is not None]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take the sender, or answer what the test asked for."""
        if self.reply_to_sender:
            return self.reply_to_sender
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Take the recipient, or answer what the test asked for."""
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        """Keep the mail, or answer what the test asked for."""
        if self.reply_to_data:
            return self.reply_to_data
        octets = envelope.original_content or b""
        message = message_from_bytes(octets, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(ReceivedMail(message, octets, envelope.mail_from or "", tuple(envelope.rcpt_tos)))
        return "250 2.0.0 OK"


@contextmanager
def running_mail_server() -> Iterator[MailServer]:
    """Serve SMTP on a free port of this machine."""
    server = MailServer(HERE, free_port())
    controller = Controller(server, hostname=server.hostname, port=server.port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
