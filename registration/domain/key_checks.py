"""Whether the keys of the settings are those that this database was written with.

A proof of each key stands in the database (`KeyCheck`). So a wrong key is told at the start, in a sentence, and not
when the first value does not open, or when nobody's address is found any more.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, delete, inspect, select

from config import SettingsError
from registration.domain import sealing
from registration.domain.accounts import address_of
from registration.domain.personal import address_hash, open_personal
from registration.extensions import Base, db, insert_new, keyring
from registration.keys import THE_SECRET
from registration.models import KeyCheck, Organizer, Registration


def is_settled() -> bool:
    """Whether the keys are just those whose proofs stand in the database, or it has no tables yet: mostly so, and
    cheap to find out. Otherwise `settle` says more."""
    if not inspect(db.engine).has_table(KeyCheck.__tablename__):
        return True
    return _known() == keyring.keys.proofs()


def settle() -> None:
    """Note the proofs of new keys, and forget those of keys that nothing is sealed with any more; in a unit of work.

    Raises SettingsError for a key that is another than the one of this name was, or is missing. Two that start at once
    with different new keys of one name: the second waits for the first, and is refused.
    """
    proofs = keyring.keys.proofs()
    new = {name for name, proof in proofs.items() if insert_new(KeyCheck, {"name": name, "proof": proof})}
    known = _known()
    for name, proof in proofs.items():
        if known[name] != proof or (name in new and not _fits_what_is_there(name)):
            raise SettingsError(_wrong(name))
    gone = sorted(known.keys() - proofs.keys())
    missing = {name for name in gone if sealing.names_a_value(name)}
    if THE_SECRET in new:  # The first look at this database: what is in it may name keys that nobody has noted.
        missing.update(sealing.strange_names())
    if missing:
        raise SettingsError(_missing(sorted(missing)))
    db.session.execute(delete(KeyCheck).where(KeyCheck.name.in_(gone)))


def _known() -> dict[str, bytes]:
    return {name: bytes(proof) for name, proof in db.session.execute(select(KeyCheck.name, KeyCheck.proof))}


def _fits_what_is_there(name: str) -> bool:
    """Whether a key without a proof is the one that the values in the database were made with, if there are any."""
    return _finds_addresses() if name == THE_SECRET else sealing.opens(name)


def _finds_addresses() -> bool:
    """Whether an address in the database, where there is one, is found by its hash."""
    if registration := db.session.scalar(select(Registration).where(_opens(Registration)).limit(1)):
        return registration.address_hash == address_hash(open_personal(registration).address)
    if organizer := db.session.scalar(select(Organizer).where(_opens(Organizer)).limit(1)):
        return organizer.address_hash == address_hash(address_of(organizer))
    return True


def _opens(model: type[Base]) -> ColumnElement[bool]:
    """Return the condition on a row that its value is sealed with a key that we have."""
    (column,) = (one for one in sealing.SEALED if (one.model, one.name) == (model, "sealed"))
    return column.is_sealed_with(keyring.keys.names)


def _wrong(name: str) -> str:
    if name == THE_SECRET:
        return (
            "SECRET_KEY is not the one that this database was written with: put that one back and start again. "
            "With another one no address is found and no link in a mail opens."
        )
    return (
        f"SEAL_KEYS: the key {name} is not the one that this database was sealed with: put that one back under this "
        "name and start again. A new key needs a name of its own."
    )


def _missing(names: list[str]) -> str:
    keys = f"the key {names[0]}" if len(names) == 1 else f"the keys {', '.join(names)}"
    return (
        f"SEAL_KEYS lacks {keys}, with which data in this database is sealed: put it back behind the first one and "
        "start again. `flask --app wsgi keys rotate` makes a key dispensable."
    )
