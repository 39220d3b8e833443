"""The keys in a person's links: one kind per purpose, derived from the row, stored nowhere."""

from __future__ import annotations

import enum

from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from registration.errors import NotFound
from registration.extensions import db, keyring
from registration.keys import public_id_of
from registration.models import Registration

KEY_ENDED = _l("This link is not valid any more; ask for a new one.")


class LinkKind(enum.StrEnum):
    """What a key opens."""

    PROVE = "prove"
    MANAGE = "manage"
    FEED = "feed"
    UNSUBSCRIBE = "unsubscribe"


def key_for(registration: Registration, kind: LinkKind) -> str:
    """Return the key of this kind that is good now."""
    return keyring.keys.link_key(kind, registration.public_id, _generation(registration, kind))


def registration_of(key: str, kind: LinkKind) -> Registration:
    """Return whose key this is. Raises NotFound for a wrong, ended or foreign key, all in the same words."""
    registration = db.session.execute(
        select(Registration).where(Registration.public_id == public_id_of(key))
    ).scalar_one_or_none()
    if registration is None or not _opens(key, kind, registration):
        raise NotFound(KEY_ENDED)
    return registration


def _opens(key: str, kind: LinkKind, registration: Registration) -> bool:
    fits = keyring.keys.fits(key, kind, registration.public_id, _generation(registration, kind))
    return fits and registration.leaving_since is None and (kind is not LinkKind.FEED or registration.feed_on)


def _generation(registration: Registration, kind: LinkKind) -> int:
    """What proves an address has one generation: it ends with the state that it proves, or with its row."""
    generations = {
        LinkKind.MANAGE: registration.manage_generation,
        LinkKind.FEED: registration.feed_generation,
        LinkKind.UNSUBSCRIBE: registration.unsubscribe_generation,
    }
    return generations.get(kind, 0)
