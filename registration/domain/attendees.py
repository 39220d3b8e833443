"""The list of those who signed up, as a query: filters, a search, pages.

Names are sealed: a search and an A–Z order open the values of one event as they scan. A search looks at what the list
shows and at nothing else, so that nobody learns by searching what is hidden from them.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Row, func, select

from registration.domain.personal import address_hash, bound_to, mail_address
from registration.errors import NotFound, Refusal
from registration.extensions import db, keyring
from registration.models import Category, Event, EventSession, Registration, SessionChoice
from registration.models.registration import RegistrationState as State

PAGE_ROWS = 50
PARTICIPANT = "participant"
"""What a category at risk is called where it is masked."""
ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class Filters:
    """What to list; an empty value asks for nothing. `category`, `session`: slugs (PARTICIPANT: all at risk);
    `state`: without one, all but those whose address is not proved. `by_name`: A–Z, else the newest first."""

    category: str = ""
    state: str = ""
    session: str = ""
    country: str = ""
    search: str = ""
    by_name: bool = False


@dataclass(frozen=True)
class Shown:
    """One category, or all at risk together, as somebody with these rights sees it."""

    name: str
    label: dict[str, str]
    """Empty for the categories at risk together."""
    ids: frozenset[int]


@dataclass(frozen=True)
class Attendee:
    """One line of the list. `category`: the name of a Shown."""

    public_id: str
    name: str
    organization: str
    country: str
    state: State
    category: str
    created_at: datetime


@dataclass(frozen=True)
class Page:
    """One page of the list; `number` counts from 1."""

    rows: Sequence[Attendee]
    number: int
    pages: int
    total: int


def shown_categories(event: Event, *, unmasked: bool) -> list[Shown]:
    """Return the event's categories as they are shown: those at risk together as one, unless `unmasked`."""
    open_ones = [one for one in event.categories if unmasked or not one.at_risk]
    shown = [Shown(one.slug, one.label, frozenset({one.id})) for one in open_ones]
    at_risk = frozenset(one.id for one in event.categories) - {one.id for one in open_ones}
    return [*shown, Shown(PARTICIPANT, {}, at_risk)] if at_risk else shown


def category_names(shown: Sequence[Shown]) -> dict[int, str]:
    """Return {category id: name it is shown by}."""
    return {category_id: one.name for one in shown for category_id in one.ids}


def page(event: Event, filters: Filters, number: int, *, unmasked: bool) -> Page:
    """Return a page of the list; a number beyond the last gives the last. Raises Refusal for an unknown filter."""
    conditions = conditions_of(event, filters, unmasked=unmasked)
    if filters.by_name or _words(filters.search):
        found = _scanned(conditions, filters)
        total, number = len(found), _within(number, len(found))
        ids = found[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]
    else:
        total = db.session.execute(select(func.count()).select_from(Registration).where(*conditions)).scalar_one()
        number = _within(number, total)
        ids = list(db.session.scalars(_newest(conditions, number)))
    names = category_names(shown_categories(event, unmasked=unmasked))
    return Page(_attendees(ids, names), number, _pages(total), total)


def matching_ids(event: Event, filters: Filters, *, unmasked: bool) -> list[int]:
    """Return the ids of all that fit, in the order of their sign-up. Raises Refusal for an unknown filter."""
    conditions = conditions_of(event, filters, unmasked=unmasked)
    if _words(filters.search):
        return sorted(_scanned(conditions, filters))
    return sorted(db.session.scalars(select(Registration.id).where(*conditions)))


def called(event: Event, public_id: str) -> Registration:
    """Return one registration of the event. Raises NotFound."""
    found = db.session.execute(
        select(Registration).where(Registration.event_id == event.id, Registration.public_id == public_id)
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(_l("There is no such registration; look for it in the list."))
    return found


def conditions_of(event: Event, filters: Filters, *, unmasked: bool) -> list[ColumnElement[bool]]:
    """Return the part of the filters that the database answers. Raises Refusal for an unknown value."""
    found = [Registration.event_id == event.id, _state_is(filters.state)]
    if filters.category:
        ids = _of(shown_categories(event, unmasked=unmasked), filters.category, "category").ids
        found.append(Registration.category_id.in_(ids))
    if filters.session:
        session_id = _session_id(event, filters.session)
        chosen = select(SessionChoice.registration_id).where(SessionChoice.session_id == session_id)
        found.append(Registration.id.in_(chosen))
    if filters.country:
        found.append(Registration.country == filters.country)
    address = _address(filters.search)
    if address:
        found.append(Registration.address_hash == address_hash(address))
    return found


def folded(text: str) -> str:
    """Return text as it is compared: without case and accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(one for one in parts if not unicodedata.combining(one)).casefold()


def opened(rows: Sequence[Row[Any]]) -> Iterator[dict[str, Any]]:
    """Yield the sealed part of rows whose first two columns are `public_id` and `sealed`."""
    open_sealed = keyring.keys.open
    for row in rows:
        yield open_sealed(row[1], bound_to(row[0]))


def _state_is(state: str) -> ColumnElement[bool]:
    if not state:
        return Registration.state != State.UNVERIFIED
    if state not in set(State):
        raise Refusal(_l("There is no such state; choose one from the list."), "state")
    return Registration.state == State(state)


def _of(shown: Sequence[Shown], name: str, field: str) -> Shown:
    for one in shown:
        if one.name == name:
            return one
    raise Refusal(_l("There is no such category; choose one from the list."), field)


def _session_id(event: Event, slug: str) -> int:
    found = db.session.scalar(
        select(EventSession.id).where(EventSession.event_id == event.id, EventSession.slug == slug)
    )
    if found is None:
        raise Refusal(_l("There is no such session; choose one from the list."), "session")
    return found
