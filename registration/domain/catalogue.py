"""Events as pages and forms read them: whole, detached from the database, kept in memory for one version.

Each look-up reads the version (one small SELECT) and loads the event anew when it has risen, so that nobody is shown
what an organizer has changed. Rows loaded here are for reading; a unit of work that writes loads its own.
"""

from __future__ import annotations

from threading import Lock
from weakref import WeakKeyDictionary

from cachetools import LRUCache
from flask_babel import lazy_gettext as _l
from sqlalchemy import Engine, bindparam, select
from sqlalchemy.orm import Session, selectinload
from sqlalchemy.orm.attributes import set_committed_value

from registration.errors import NotFound
from registration.extensions import db
from registration.models import Category, Event, EventSession, ProgrammeItem

EVENTS_KEPT = 100
"""How many events one process keeps."""

_VERSION = select(Event.version).where(Event.slug == bindparam("slug"))
_WHOLE = (
    select(Event)
    .where(Event.slug == bindparam("slug"))
    .options(
        selectinload(Event.sessions).options(
            selectinload(EventSession.items).selectinload(ProgrammeItem.speakers),
            selectinload(EventSession.streams),
        ),
        selectinload(Event.categories).selectinload(Category.questions),
        selectinload(Event.reminder_rules),
    )
)
_kept: WeakKeyDictionary[Engine, LRUCache[str, Event]] = WeakKeyDictionary()
_lock = Lock()


def whole_event(slug: str) -> Event:
    """Return the event with all that belongs to it, for reading alone. Raises NotFound."""
    engine = db.engine
    with engine.connect() as connection:
        version = connection.execute(_VERSION, {"slug": slug}).scalar()
    if version is None:
        raise NotFound(_l("There is no such event; the list of events has them all."))
    with _lock:
        events = _kept.setdefault(engine, LRUCache(EVENTS_KEPT))
        event = events.get(slug)
    if event is None or event.version != version:
        event = _load(slug)
        with _lock:
            events[slug] = event
    return event


def category_of(event: Event, slug: str) -> Category:
    """Return a category of a whole event. Raises NotFound."""
    for category in event.categories:
        if category.slug == slug:
            return category
    raise NotFound(_l("There is no such category; choose one from the list."))


def _load(slug: str) -> Event:
    """Load it over the connection that the request holds: one that waits for a second may wait for itself."""
    with Session(db.session.connection(), expire_on_commit=False) as session:
        event = session.execute(_WHOLE, {"slug": slug}).scalar_one()
        for part in (*event.sessions, *event.categories):
            set_committed_value(part, "event", event)
        session.expunge_all()
    return event
