"""The one place that sends mail: a letter becomes a message (RFC 5322), and leaves by SMTP or into a file.

Flask-Mail keeps the connection and its settings. Its own messages cannot hold a calendar part as calendar programs
want it (and each looks this machine's name up), and its connection has no time-out; so finished octets go over one that
has.
"""

from __future__ import annotations

import hashlib
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import flask_mail
from flask import current_app

from config import Settings
from registration.domain.outbox import PERMANENT, Outcome
from registration.domain.statuses import status_of_reply
from registration.mail.answers import SMTP_TIMEOUT, CarefulSMTP, Withdrawn
from registration.mail.headers import POLICY
from registration.mail.letter import Invite, Letter
from registration.mail.size import encoding_of

NO_LEAVE = frozenset({530, 535, 538})
"""The server wants us to say who we are first, or does not believe it (RFC 4954, section 6)."""
TOO_LARGE = 552
"""The answer to MAIL where the size in it is more than the server takes (RFC 1870, 6.1): it is about the mail."""


class Unreachable(Exception):
    """The mail server cannot be spoken to now, or takes no mail from us; no mail is to blame."""


@dataclass(frozen=True)
class Finished:
    """A message whose octets are made, and to whom they go."""

    recipient: str
    message_id: str
    octets: bytes


def finished(message: EmailMessage) -> Finished:
    """Return a message as it is handed over."""
    [recipient] = message["To"].addresses
    return Finished(recipient.addr_spec, str(message["Message-ID"]), bytes(message))


def message_of(letter: Letter, *, message_id: str, now: datetime) -> EmailMessage:
    """Return the message for a letter; `now` (UTC) is its Date.

    Text beside HTML, then the calendar files. An invitation stands beside the text too, where calendars look for it,
    and once more as a file, for people whose mail program does not look there (RFC 6047, 2.4). All parts are in
    quoted-printable or base64, in which no line can be one of our boundaries (RFC 2045, 6.7).
    """
    settings: Settings = current_app.config["PLENARY"]
    message = EmailMessage(policy=POLICY)
    message["Message-ID"] = message_id
    message["Date"] = format_datetime(now)
    message["From"] = str(Address(letter.sender_name, addr_spec=settings.mail_default_sender))
    message["To"] = Address(addr_spec=letter.to)
    if letter.reply_to:
        message["Reply-To"] = Address(addr_spec=letter.reply_to)
    message["Subject"] = letter.subject
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text, cte=encoding_of(letter.text))
    message.add_alternative(letter.html, subtype="html", cte=encoding_of(letter.html))
    if letter.invite:
        _add_invite(message, letter.invite)
    for file in letter.files:
        message.add_attachment(file.octets, maintype="text", subtype="calendar", filename=file.name)
        part = list(message.iter_attachments())[-1]
        part.set_param("charset", "utf-8")
    # Last, for EmailMessage drops or moves into a part whatever Content- header stands when content is added.
    message["Content-Language"] = letter.language
    for part in message.walk():
        if part.is_multipart():
            part.set_boundary(f"=_{part.get_content_subtype()}")
    return message


def _add_invite(message: EmailMessage, invite: Invite) -> None:
    message.add_alternative(invite.octets, maintype="text", subtype="calendar")
    part = list(message.iter_parts())[-1]
    part.set_param("method", invite.method.value)
    part.set_param("charset", "utf-8")
    message.add_attachment(invite.octets, maintype="application", subtype="ics", filename="invite.ics")


def sender_domain() -> str:
    """Return the domain our Message-IDs are in."""
    settings: Settings = current_app.config["PLENARY"]
    return urlsplit(settings.public_url).hostname or "localhost"


class Postman:
    """Hands messages over on one SMTP connection, opened with the first message, and again after it broke."""

    def __init__(self, smtp: type[CarefulSMTP] | None = None, stop: Callable[[], bool] = lambda: False) -> None:
        self._smtp = smtp or CarefulSMTP
        self._stop = stop
        self._connection: _TimedConnection | None = None

    def __enter__(self) -> Self:
        """Nothing is opened before there is a message."""
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """Say goodbye to the server."""
        self._hang_up()

    def post(self, message: Finished, is_right: Callable[[], bool]) -> Outcome:
        """Hand one message over. `is_right` is asked when all but its DATA is done.

        Raises Unreachable when the server cannot be spoken to, and Withdrawn where it is not right any more, or where
        we are to stop while the server keeps us waiting.
        """
        try:
            self._open_connection().post(message, is_right)
        except Withdrawn:
            self._start_over()
            raise
        except smtplib.SMTPRecipientsRefused as refused:
            self._start_over()
            code, text = next(iter(refused.recipients.values()))
            return _refused(code, text)
        except smtplib.SMTPResponseException as refused:
            self._start_over()
            if _is_about_us(refused):
                raise Unreachable(str(refused.smtp_code)) from refused
            return _refused(refused.smtp_code, refused.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            if self._hang_up():
                raise Withdrawn from error
            return Outcome(sent=False)
        return Outcome(sent=True, code=250)

    def _open_connection(self) -> _TimedConnection:
        if self._connection is None:
            connection = _TimedConnection(current_app.extensions["mail"])
            connection.smtp, connection.stop = self._smtp, self._stop
            try:
                connection.__enter__()
            except (OSError, smtplib.SMTPException) as error:
                raise Unreachable(type(error).__name__) from error
            self._connection = connection
        return self._connection

    def _start_over(self) -> None:
        """Leave the transaction, which smtplib does not where DATA itself is refused; or the line, if that is closed
        (421) or of no more use."""
        host = self._connection.host if self._connection else None
        try:
            if host is None or host.sock is None or host.rset()[0] != 250:
                self._hang_up()
        except (OSError, smtplib.SMTPException):
            self._hang_up()

    def _hang_up(self) -> bool:
        """End the talk. Returns whether it was given up."""
        connection, self._connection = self._connection, None
        if connection is None or connection.host is None:
            return False
        with suppress(OSError, smtplib.SMTPException):
            connection.host.quit()
        return connection.host.has_given_up


class FilePostman:
    """Puts messages into a folder, for a development machine without a mail server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        """Make the folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_error: object) -> None:
        """Nothing is kept open."""

    def post(self, message: Finished, is_right: Callable[[], bool]) -> Outcome:
        """Write one message. The same Message-ID is the same file. Raises Withdrawn where `is_right` says no."""
        if not is_right():
            raise Withdrawn
        name = hashlib.sha256(message.message_id.encode()).hexdigest()[:16]
        (self.folder / f"{name}.eml").write_bytes(message.octets)
        return Outcome(sent=True, code=250)


def postman(stop: Callable[[], bool] = lambda: False) -> Postman | FilePostman:
    """Return who takes the mail: a folder in development without MAIL_SERVER, the mail server otherwise.

    `stop`: whether a server that keeps us waiting is not to be waited for any more.
    """
    settings: Settings = current_app.config["PLENARY"]
    if settings.development and not settings.mail_server:
        return FilePostman(mail_folder(settings))
    return Postman(stop=stop)


def mail_folder(settings: Settings) -> Path:
    """Return where a development machine keeps its mail."""
    return settings.instance_path / "mail"


def _refused(code: int, text: bytes | str) -> Outcome:
    return Outcome(sent=False, code=code, status=status_of_reply(code, text))


def _is_about_us(refused: smtplib.SMTPResponseException) -> bool:
    """Whether a refusal is of the sender, and would meet every other mail too."""
    if refused.smtp_code in NO_LEAVE:
        return True
    refuses_sender = isinstance(refused, smtplib.SMTPSenderRefused) and refused.smtp_code >= PERMANENT
    return refuses_sender and refused.smtp_code != TOO_LARGE


class _TimedConnection(flask_mail.Connection):
    """Flask-Mail's connection with a time-out on every answer."""

    host: CarefulSMTP | None
    smtp: type[CarefulSMTP]
    stop: Callable[[], bool]

    def post(self, message: Finished, is_right: Callable[[], bool]) -> None:
        """Send a message if `is_right` still says so just before DATA. Raises Withdrawn, and what smtplib raises.

        The sender of the envelope (MAIL FROM) is where bounces go.
        """
        assert self.host is not None, "it is opened before anything is sent"  # noqa: S101
        self.host.is_right = is_right
        settings: Settings = current_app.config["PLENARY"]
        self.host.sendmail(settings.bounce_address, [message.recipient], message.octets)

    def configure_host(self) -> CarefulSMTP:
        """Connect and greet, with TLS and a name where the settings say so."""
        state = self.mail
        host = self.smtp(state.server, state.port, timeout=SMTP_TIMEOUT)
        host.gives_up = self.stop
        try:
            with host.opening():
                if state.use_tls:
                    host.starttls(context=ssl.create_default_context())
                host.ehlo_or_helo_if_needed()
                if state.username and state.password:
                    host.login(state.username, state.password)
        except BaseException:
            host.close()
            raise
        return host
