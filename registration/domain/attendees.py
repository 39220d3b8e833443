"""The list of those who signed up, as a query: filters, a search, pages.

Names are sealed: a search and an A–Z order open the values of one event as they scan. A search looks at the
names and organizations that the list shows; a whole mail address finds its person. Nothing else is looked at, so that
nobody learns by searching what is hidden from them.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, func, select

from registration.domain.personal import address_hash, bound_to, mail_address
from registration.domain.refused import has_mail_refused_for_now
from registration.domain.stopped import takes_no_mail
from registration.errors import NotFound, Refusal
from registration.extensions import db, keyring
from registration.keys import is_public_id
from registration.models import Event, EventSession, Organizer, Registration, SessionChoice
from registration.models.registration import RegistrationState as State

PAGE_ROWS = 50
PARTICIPANT = "participant"
"""What a category at risk is called where it is masked."""
STOPPED = "stopped"
"""Whose address takes no mail."""
RETRYING = "retrying"
"""Who has mail that is refused for now."""
ROWS_AT_ONCE = 1000

Fits = Callable[[str, str], bool]
"""Whether a name and an organization fit a search."""

NO_SUCH = _l("There is no such registration; look for it in the list.")


@dataclass(frozen=True)
class Filters:
    """What to list; an empty value asks for nothing. `category`, `session`: slugs (PARTICIPANT: all at risk);
    `state`: without one, all but those whose address is not proved. `mail`: STOPPED or RETRYING. `by_name`: A–Z, else
    the newest first."""

    category: str = ""
    state: str = ""
    session: str = ""
    country: str = ""
    mail: str = ""
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
    takes_no_mail: bool


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
    conditions = [Registration.event_id == event.id, *conditions_of(event, filters, unmasked=unmasked)]
    fits = matcher(filters.search)
    scanned = _scan(conditions, fits, by_name=filters.by_name) if filters.by_name or fits else None
    total = _count(conditions) if scanned is None else len(scanned)
    pages = max(1, math.ceil(total / PAGE_ROWS))
    number = min(max(number, 1), pages)
    first = (number - 1) * PAGE_ROWS
    ids = _newest(conditions, first) if scanned is None else scanned[first : first + PAGE_ROWS]
    names = category_names(shown_categories(event, unmasked=unmasked))
    return Page(_attendees(ids, names), number, pages, total)


def called(event: Event, public_id: str) -> Registration:
    """Return one registration of the event. Raises NotFound."""
    if not is_public_id(public_id):
        raise NotFound(NO_SUCH)
    found = db.session.execute(
        select(Registration).where(
            Registration.event_id == event.id,
            Registration.public_id == public_id,
            Registration.leaving_since.is_(None),
        )
    ).scalar_one_or_none()
    if found is None:
        raise NotFound(NO_SUCH)
    return found


def decided_by(registration: Registration) -> Organizer | None:
    """Return who decided on a registration last."""
    return db.session.get(Organizer, registration.decided_by) if registration.decided_by else None


def conditions_of(event: Event, filters: Filters, *, unmasked: bool) -> list[ColumnElement[bool]]:
    """Return the part of the filters that the database answers, within one event. Raises Refusal for an unknown
    value."""
    found = [_state_is(filters.state), Registration.leaving_since.is_(None)]
    if filters.category:
        shown = shown_categories(event, unmasked=unmasked and filters.category != PARTICIPANT)
        ids = _of(shown, filters.category, "category").ids
        found.append(Registration.category_id.in_(ids))
    if filters.session:
        session_id = _session_id(event, filters.session)
        found.append(
            exists().where(SessionChoice.registration_id == Registration.id, SessionChoice.session_id == session_id)
        )
    if filters.country:
        found.append(Registration.country == filters.country)
    if filters.mail:
        found.append(_mail_is(filters.mail))
    address = _address(filters.search)
    if address:
        found.append(Registration.address_hash == address_hash(address))
    return found


def matcher(search: str) -> Fits | None:
    """Return what tells whether a name and an organization fit the words of a search: each stands in one of them.
    None where there are no words to look for; a whole address is looked up by its hash."""
    words = () if _address(search) else tuple(folded(search).split())
    if not words:
        return None

    def fits(name: str, organization: str) -> bool:
        text = folded(f"{name}\n{organization}")
        return all(word in text for word in words)

    return fits


def folded(text: str) -> str:
    """Return text as it is compared: without case and accents."""
    if text.isascii():
        return text.lower()
    parts = unicodedata.normalize("NFKD", text)
    return "".join(one for one in parts if not unicodedata.combining(one)).casefold()


def _state_is(state: str) -> ColumnElement[bool]:
    if not state:
        return Registration.state != State.UNVERIFIED
    if state not in set(State):
        raise Refusal(_l("There is no such state; choose one from the list."), "state")
    return Registration.state == State(state)


def _mail_is(mail: str) -> ColumnElement[bool]:
    if mail == STOPPED:
        return takes_no_mail()
    if mail == RETRYING:
        return has_mail_refused_for_now()
    raise Refusal(_l("There is no such list; choose one that is offered."), "mail")


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


def _address(search: str) -> str:
    """Return the mail address that a search is, or nothing."""
    if "@" not in search:
        return ""
    try:
        return mail_address(search)
    except Refusal:
        return ""


def _count(conditions: Sequence[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(Registration).where(*conditions)
    return db.session.execute(query).scalar_one()


def _newest(conditions: Sequence[ColumnElement[bool]], first: int) -> Sequence[int]:
    query = select(Registration.id).where(*conditions).order_by(Registration.id.desc())
    return db.session.scalars(query.offset(first).limit(PAGE_ROWS)).all()


def _scan(conditions: Sequence[ColumnElement[bool]], fits: Fits | None, *, by_name: bool) -> list[int]:
    """Open all that may fit; return the ids of those that do, by name or the newest first."""
    query = (
        select(Registration.public_id, Registration.sealed, Registration.id)
        .where(*conditions)
        .order_by(Registration.id.desc())
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    open_sealed = keyring.keys.open
    found = []
    for public_id, sealed, registration_id in db.session.execute(query):
        personal = open_sealed(sealed, bound_to(public_id))
        if fits is None or fits(personal["name"], personal["organization"]):
            found.append((folded(personal["name"]) if by_name else "", registration_id))
    if by_name:
        found.sort()
    return [registration_id for _name, registration_id in found]


def _attendees(ids: Sequence[int], names: dict[int, str]) -> list[Attendee]:
    """Return the lines of these ids, in their order, by one query."""
    query = select(
        Registration.id,
        Registration.public_id,
        Registration.sealed,
        Registration.country,
        Registration.state,
        Registration.category_id,
        Registration.created_at,
        takes_no_mail().label("takes_no_mail"),
    ).where(Registration.id.in_(ids))
    lines = {row.id: _attendee(row, names) for row in db.session.execute(query)}
    return [lines[one] for one in ids if one in lines]


def _attendee(row: Any, names: dict[int, str]) -> Attendee:
    personal = keyring.keys.open(row.sealed, bound_to(row.public_id))
    return Attendee(
        public_id=row.public_id,
        name=personal["name"],
        organization=personal["organization"],
        country=row.country,
        state=row.state,
        category=names[row.category_id],
        created_at=row.created_at,
        takes_no_mail=row.takes_no_mail,
    )
