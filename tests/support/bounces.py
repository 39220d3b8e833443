"""Reports that a mail did not arrive (RFC 3464), in the shapes in which mail servers write them."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.replies import multipart, part

MakeReport = Callable[..., bytes]
"""A report by the mail it is about, the status and the action."""
REPORT = "report; report-type=delivery-status"


def headers_of(message: bytes) -> bytes:
    """The headers of a mail, without its content."""
    return message.partition(b"\r\n\r\n")[0] + b"\r\n"


def postfix(message: bytes, status: str = "5.1.1", action: str = "failed") -> bytes:
    """The mail whole, the reply of the other server in the diagnostic."""
    said = (
        "Reporting-MTA: dns; relay.example.org\r\nX-Postfix-Queue-ID: 4F1xyz\r\n"
        "X-Postfix-Sender: rfc822; dialogue@example.org\r\nArrival-Date: Mon,  2 Mar 2026 15:00:01 +0000 (UTC)\r\n\r\n"
        "Final-Recipient: rfc822; amina@example.org\r\nOriginal-Recipient: rfc822;amina@example.org\r\n"
        f"Action: {action}\r\nStatus: {status}\r\nRemote-MTA: dns; mx.example.org\r\n"
        f"Diagnostic-Code: smtp; 550 {status} <amina@example.org>: Recipient address\r\n    rejected: User unknown\r\n"
    )
    return _report(
        part("text/plain; charset=us-ascii", b"This is the mail system at host relay.example.org.", "7bit"),
        part("message/delivery-status", said.encode(), "7bit"),
        part("message/rfc822", message, "8bit"),
    )


def exchange(message: bytes, status: str = "5.1.1", action: str = "failed") -> bytes:
    """Words in two kinds, the headers of the mail alone, and these with the Message-ID on a line of its own."""
    said = (
        "Reporting-MTA: dns;mail.example.org\r\nReceived-From-MTA: dns;events.example.org\r\n"
        "Arrival-Date: Mon, 2 Mar 2026 15:00:01 +0000\r\n\r\n"
        f"Final-Recipient: rfc822;amina@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: smtp;550 {status} RESOLVER.ADR.RecipNotFound; not found\r\nX-Display-Name: Amina\r\n"
    )
    returned = headers_of(message).replace(b"Message-ID: ", b"Message-Id:\r\n\t")
    words = multipart(
        "alternative",
        part("text/plain; charset=us-ascii", b"Delivery has failed.", "quoted-printable"),
        part("text/html; charset=us-ascii", b"<p>Delivery has failed.</p>", "quoted-printable"),
    )
    return _report(
        words,
        part("message/delivery-status", said.encode(), "7bit"),
        part("text/rfc822-headers", returned, "7bit"),
    )


def exim(message: bytes, status: str = "5.1.1", action: str = "failed") -> bytes:
    """Its own status says nothing; the other server's reply has it."""
    said = (
        "Reporting-MTA: dns; relay.example.org\r\n\r\n"
        f"Action: {action}\r\nFinal-Recipient: rfc822;amina@example.org\r\nStatus: 5.0.0\r\n"
        f"Remote-MTA: dns; mx.example.org\r\nDiagnostic-Code: smtp; 550-{status} No such user.\r\n"
        f" 550 {status} Sorry\r\n"
    )
    return _report(
        part("text/plain; charset=us-ascii", b"A message that you sent could not be delivered.", "7bit"),
        part("message/delivery-status", said.encode(), "7bit"),
        part("text/rfc822-headers", headers_of(message), "7bit"),
    )


SERVERS: dict[str, MakeReport] = {"Postfix": postfix, "Exchange": exchange, "Exim": exim}


def _report(*parts: bytes) -> bytes:
    headers = (
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@relay.example.org\r\nTo: dialogue@example.org\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
        "Message-Id: <report@relay.example.org>\r\nMIME-Version: 1.0\r\n"
    )
    return headers.encode() + multipart("mixed", *parts).replace(b"multipart/mixed", b"multipart/" + REPORT.encode(), 1)
