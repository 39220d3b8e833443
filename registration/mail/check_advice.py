"""What to do where a test mail did not come through, in one sentence for whoever runs the service."""

from __future__ import annotations

import smtplib
import socket
import ssl
from typing import NamedTuple

REFUSED = 400
"""SMTP replies from here on are refusals (RFC 5321, 4.2.1: 4yz for now, 5yz for good)."""
FOR_GOOD = 500

HUNG_UP = "The mail server has hung up: look whether it takes mail from this machine, and into its log."
BY_FAULT: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "There is no machine of this name: look at MAIL_SERVER."),
    (ConnectionRefusedError, "Nothing listens there: look at MAIL_SERVER and MAIL_PORT (25, or 587 for signing in)."),
    (ssl.SSLCertVerificationError, "Set MAIL_SERVER to the name in its certificate, or have the certificate renewed."),
    (ssl.SSLError, "They have no encryption in common: ask whoever runs the mail server which TLS it speaks."),
    (TimeoutError, "The mail server is too slow: try again, and ask whoever runs it if that lasts."),
    (smtplib.SMTPServerDisconnected, HUNG_UP),
    (
        smtplib.SMTPException,
        "It does not offer what the settings ask for: look at MAIL_USE_TLS, MAIL_USERNAME and MAIL_PORT.",
    ),
)
"""The first that fits, from the special to the general."""


class End(NamedTuple):
    """Where a talk with a mail server ended: at which command (or "connect", "dot"), by which answer or fault."""

    step: str
    code: int
    text: str
    error: BaseException | None


def reason(end: End) -> str:
    """Return why it ended: the server's words, or the fault."""
    if end.code >= REFUSED:
        return f"{end.code} {end.text}"
    if isinstance(end.error, ssl.SSLCertVerificationError):
        return f"the certificate is not valid ({end.error.verify_message})"
    if isinstance(end.error, TimeoutError):
        return "no answer in time"
    return str(end.error or "the line was closed")


def advice(end: End) -> str:
    """Return what to do about it."""
    return _by_code(end) if end.code >= REFUSED else _by_error(end)


def _by_code(end: End) -> str:
    if end.code < FOR_GOOD:
        return "It says no for now (busy, or it lets strangers wait): try again in a few minutes, as the worker does."
    if end.code == 530:
        return "It wants to know who sends: set MAIL_USERNAME and MAIL_PASSWORD, with MAIL_USE_TLS=1."
    return {
        "auth": "It does not believe who we are: look at MAIL_USERNAME and MAIL_PASSWORD.",
        "mail": "It does not send for this BOUNCE_ADDRESS (MAIL_DEFAULT_SENDER where that is not set): use an address "
        "of a domain that it sends for.",
        "rcpt": "It takes no mail to this address from this machine: sign in, have it relay for this machine, or try "
        "another address.",
        "dot": "It looked at the mail and refused it: see its words, and the DNS records below.",
    }.get(end.step, "It does not speak with this machine: ask whoever runs the mail server to allow it.")


def _by_error(end: End) -> str:
    if isinstance(end.error, TimeoutError) and end.step == "connect":
        return (
            "A firewall may be in between (many networks close port 25), or the port expects TLS at once, as 465 does: "
            "use 587 with MAIL_USE_TLS=1."
        )
    return next((words for kind, words in BY_FAULT if isinstance(end.error, kind)), HUNG_UP)
