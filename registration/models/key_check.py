"""By what the keys of the settings are known again."""

from __future__ import annotations

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from registration.extensions import Base


class KeyCheck(Base):
    """One key that this database was written with: a name of SEAL_KEYS, or "SECRET_KEY". `proof` is made with the key
    and tells nothing of it: a wrong key is found at the start, and not by values that do not open."""

    __tablename__ = "key_check"

    name: Mapped[str] = mapped_column(String(16), primary_key=True)
    proof: Mapped[bytes] = mapped_column(LargeBinary)
