"""The links that somebody holds: listed for their owner, who can renew any of them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from registration.domain import owing
from registration.domain.link_keys import LinkKind
from registration.domain.participation import lock_own
from registration.models import Registration
from registration.models.delivery import DeliveryKind

LASTING = (LinkKind.MANAGE, LinkKind.FEED, LinkKind.UNSUBSCRIBE)
"""What opens something until its owner renews it; the proof of an address ends by itself."""


@dataclass(frozen=True)
class OwnLink:
    """One link as its owner sees it. `since` (UTC): when it was renewed, or made; `opens`: not while it is off."""

    kind: LinkKind
    since: datetime
    renewed: bool
    opens: bool


def links_of(registration: Registration) -> list[OwnLink]:
    """Return the links of somebody whose address is proved."""
    made_at = registration.proved_at or registration.created_at
    renewals = {
        LinkKind.MANAGE: registration.manage_renewed_at,
        LinkKind.FEED: registration.feed_renewed_at,
        LinkKind.UNSUBSCRIBE: registration.unsubscribe_renewed_at,
    }
    return [
        OwnLink(
            kind=kind,
            since=renewed_at or made_at,
            renewed=renewed_at is not None,
            opens=registration.feed_on if kind is LinkKind.FEED else True,
        )
        for kind, renewed_at in renewals.items()
    ]


def renew(registration: Registration, kinds: Collection[LinkKind], *, now: datetime) -> None:
    """Give somebody new links of these (lasting) kinds; those before open nothing from this commit on.

    A new link to the own page is owed to its owner by mail: whoever renews it elsewhere locks nobody out. Raises
    NotFound where somebody else has just renewed it: whoever comes second with the old key gets no new one.
    """
    lock_own(registration)
    for kind in kinds:
        _raise_generation(registration, kind, now)
    registration.updated_at = now
    if LinkKind.MANAGE in kinds:
        owing.owe(registration, DeliveryKind.LINK, now=now)


def _raise_generation(registration: Registration, kind: LinkKind, now: datetime) -> None:
    if kind is LinkKind.MANAGE:
        registration.manage_generation += 1
        registration.manage_renewed_at = now
    elif kind is LinkKind.FEED:
        registration.feed_generation += 1
        registration.feed_renewed_at = now
    elif kind is LinkKind.UNSUBSCRIBE:
        registration.unsubscribe_generation += 1
        registration.unsubscribe_renewed_at = now
