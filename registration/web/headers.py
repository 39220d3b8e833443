"""Headers on every answer: what a page may load, who may keep it, what it tells others (OWASP ASVS 5.0, 3.4)."""

from __future__ import annotations

from flask import Flask, current_app, request
from werkzeug.wrappers import Response

from config import Settings

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "worker-src 'none'",
        "img-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
"""What pages need: style sheets, scripts, an icon and forms. Nothing is fetched by scripts, framed or embedded."""

SWITCHED_OFF = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "clipboard-read", "clipboard-write",
    "compute-pressure", "display-capture", "encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope",
    "hid", "identity-credentials-get", "idle-detection", "keyboard-map", "local-fonts", "magnetometer", "microphone",
    "midi", "otp-credentials", "payment", "picture-in-picture", "publickey-credentials-create",
    "publickey-credentials-get", "screen-wake-lock", "serial", "storage-access", "sync-xhr", "usb",
    "window-management", "xr-spatial-tracking",
)  # fmt: skip
"""What browsers could do for a page; no page of ours asks for any of it."""

FIXED = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in SWITCHED_OFF),
}
HSTS = "max-age=31536000; includeSubDomains"

FOUND_BY_SEARCHING = frozenset({"public.events", "public.event", "public.privacy", "watch.session", "static"})
"""What search engines may show. Not the neutral address of a session, and nothing that is somebody's."""


def init_app(app: Flask) -> None:
    """Set the headers on every answer of `app`; what a view has set itself stays."""
    app.after_request(_set_headers)


def forget_here(response: Response) -> Response:
    """Return the response that ends somebody's visit, which lets the browser keep no page of ours.

    It does not name cookies: that would end what else is open in this browser, an own page or the desk.
    """
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _set_headers(response: Response) -> Response:
    for name, value in FIXED.items():
        response.headers.setdefault(name, value)
    settings: Settings = current_app.config["PLENARY"]
    if settings.https:
        response.headers.setdefault("Strict-Transport-Security", HSTS)
    if request.endpoint not in FOUND_BY_SEARCHING:
        response.headers.setdefault("X-Robots-Tag", "noindex, nofollow")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
