"""A mail's HTML inside a page of ours: shut in, styling itself and doing nothing else."""

from __future__ import annotations

from flask import Response

from registration.web.headers import CONTENT_SECURITY_POLICY

FRAMING_POLICY = f"{CONTENT_SECURITY_POLICY}; frame-src 'self'"
"""What a page says that holds the frame."""
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; "
    "sandbox allow-popups allow-popups-to-escape-sandbox"
)
NEW_TAB = '<base target="_blank">'
"""Links open in a tab of their own."""


def framing(page: str) -> Response:
    """Answer a page that holds a mail's frame."""
    return Response(page, headers={"Content-Security-Policy": FRAMING_POLICY}, mimetype="text/html")


def framed(html: str) -> Response:
    """Answer a mail's HTML, for a frame on our own pages alone."""
    page = html.replace("<head>", f"<head>{NEW_TAB}", 1)
    headers = {"Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return Response(page, mimetype="text/html", headers=headers)
