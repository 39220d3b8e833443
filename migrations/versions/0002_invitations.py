"""invitations

What participants have been told of each session is kept from here on. Those who are confirmed have been told how the
sessions stand now, by their confirmation.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

KINDS = (
    "prove",
    "already",
    "link",
    "in_review",
    "waiting",
    "confirmed",
    "declined",
    "cancelled",
    "changed",
    "reminder",
)
NEW_KINDS = ("invitation", "added")
KIND_CHECK = "ck_delivery_deliverykind"


def upgrade() -> None:
    op.add_column("event", sa.Column("invitations", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("event", sa.Column("notice_minutes", sa.Integer(), server_default="10", nullable=False))
    op.add_column("registration", sa.Column("invitations", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("registration", sa.Column("feed_on", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("event_session", sa.Column("notice_at", sa.DateTime(), nullable=True))
    op.create_index(op.f("ix_event_session_notice_at"), "event_session", ["notice_at"])
    _allow_kinds((*KINDS, *NEW_KINDS))
    _create_revisions()
    _create_invitations()
    _fill_revisions()
    _fill_invitations()


def downgrade() -> None:
    op.drop_table("invitation")
    op.drop_table("session_revision")
    op.execute(f"DELETE FROM delivery WHERE kind IN {NEW_KINDS}")  # noqa: S608  # nosec B608 # constants
    _allow_kinds(KINDS)
    op.drop_index(op.f("ix_event_session_notice_at"), table_name="event_session")
    op.drop_column("event_session", "notice_at")
    op.drop_column("registration", "feed_on")
    op.drop_column("registration", "invitations")
    op.drop_column("event", "notice_minutes")
    op.drop_column("event", "invitations")


def _allow_kinds(kinds: tuple[str, ...]) -> None:
    """SQLite builds the table anew, which it may: no other refers to it."""
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.drop_constraint(op.f(KIND_CHECK), type_="check")
        batch_op.create_check_constraint(op.f(KIND_CHECK), f"kind IN {kinds}")


def _create_revisions() -> None:
    op.create_table(
        "session_revision",
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("event_title", sa.JSON(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("starts_at", sa.DateTime(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.Column("takes_place", sa.Boolean(), nullable=False),
        sa.Column("streams", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["event_session.id"],
            name=op.f("fk_session_revision_session_id_event_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "number", name=op.f("pk_session_revision")),
        sqlite_with_rowid=False,
    )


def _create_invitations() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("registration_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("session_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bumps", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("standing", _one_of("standing", "none", "invited", "informed", "cancelled"), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("told_words", sa.LargeBinary(length=32), nullable=False),
        sa.Column("told_at", sa.DateTime(), nullable=True),
        sa.Column("reply", _one_of("reply", "accepted", "tentative", "declined"), nullable=True),
        sa.Column("replied_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_invitation_registration_id_registration"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["event_session.id"],
            name=op.f("fk_invitation_session_id_event_session"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("registration_id", "session_id", name=op.f("uq_invitation_registration_id_session_id")),
    )
    op.create_index(op.f("ix_invitation_session_id"), "invitation", ["session_id"])


def _one_of(name: str, *words: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, create_constraint=True, length=20)


def _fill_revisions() -> None:
    op.execute(
        """
        INSERT INTO session_revision
            (session_id, number, event_title, title, starts_at, ends_at, takes_place, streams, made_at)
        SELECT s.id, s.revision, e.title, s.title, s.starts_at, s.ends_at,
               s.state = 'scheduled' AND e.state <> 'cancelled', '[]', s.updated_at
        FROM event_session AS s JOIN event AS e ON e.id = s.event_id
        """
    )
    streams = sa.text(
        "SELECT session_id, audience, language, url, categories FROM stream WHERE kind = 'live' ORDER BY position"
    ).columns(categories=sa.JSON())
    live: dict[int, list[dict[str, object]]] = {}
    for row in op.get_bind().execute(streams).mappings():
        told = {name: row[name] for name in ("audience", "language", "url", "categories")}
        live.setdefault(row["session_id"], []).append(told)
    fill = sa.text("UPDATE session_revision SET streams = :streams WHERE session_id = :session").bindparams(
        sa.bindparam("streams", type_=sa.JSON())
    )
    for session_id, told_streams in live.items():
        op.get_bind().execute(fill, {"session": session_id, "streams": told_streams})


def _fill_invitations() -> None:
    """They go on with their files: nobody asked them whether they want invitations. An empty digest of their words
    stands for "as they were": nothing is mailed because of it."""
    op.execute("UPDATE registration SET invitations = false")
    op.execute(
        """
        INSERT INTO invitation (registration_id, session_id, bumps, changed_at, standing, revision, told_words, told_at)
        SELECT r.id, s.id, 0, r.updated_at,
               CASE WHEN s.state = 'scheduled' AND e.state <> 'cancelled' THEN 'informed' ELSE 'cancelled' END,
               s.revision, '', r.confirmed_at
        FROM registration AS r
        JOIN session_choice AS c ON c.registration_id = r.id
        JOIN event_session AS s ON s.id = c.session_id
        JOIN event AS e ON e.id = s.event_id
        WHERE r.state = 'confirmed'
        """
    )
