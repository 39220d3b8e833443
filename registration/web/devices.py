"""Devices that have signed in to an account before: strangers who fail elsewhere do not slow them.

The cookie holds a random id and the proof that it is of one account, and tells nothing about whose (OWASP, "Slow down
online guessing attacks with device cookies").
"""

from __future__ import annotations

import base64
import hmac

from flask import current_app, request
from werkzeug.wrappers import Response

from config import Settings
from registration.domain.personal import address_hash, mail_address
from registration.errors import Refusal
from registration.extensions import keyring
from registration.keys import MAC_BYTES, PUBLIC_ID_LENGTH, new_public_id

KEPT_DAYS = 365


def remember(response: Response, address: str) -> Response:
    """Return the response with the cookie that knows this device as one of the account with this address again."""
    device = known_as(address) or new_public_id()
    response.set_cookie(
        _cookie_name(),
        device + _proof(device, address),
        max_age=KEPT_DAYS * 24 * 3600,
        secure=_settings().https,
        httponly=True,
        samesite="Lax",
    )
    return response


def known_as(typed_address: str) -> str | None:
    """Return the id of this device if it has signed in to the account with this address before."""
    cookie = request.cookies.get(_cookie_name(), "")
    device, proof = cookie[:PUBLIC_ID_LENGTH], cookie[PUBLIC_ID_LENGTH:]
    if not cookie:
        return None
    try:
        address = mail_address(typed_address)
    except Refusal:
        return None
    return device if hmac.compare_digest(proof.encode(), _proof(device, address).encode()) else None


def _proof(device: str, address: str) -> str:
    octets = keyring.keys.digest("device", f"{device}\0{address_hash(address).hex()}")[:MAC_BYTES]
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _cookie_name() -> str:
    return "__Host-device" if _settings().https else "device"


def _settings() -> Settings:
    settings: Settings = current_app.config["PLENARY"]
    return settings
