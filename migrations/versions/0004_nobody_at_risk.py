"""nobody at risk

Forms that are open to all wait sealed for the worker; names for vetting; clocks per field; people who have asked to be
erased; the book of looks; second factors; and what tells a wrong key.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
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
    "invitation",
    "added",
    "announcement",
)
NEW_KINDS = (*KINDS, "farewell")
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    for column in _of_registration():
        op.add_column("registration", column)
    op.create_index(
        "ix_registration_leaving",
        "registration",
        ["leaving_since"],
        sqlite_where=sa.text("leaving_since IS NOT NULL"),
        postgresql_where=sa.text("leaving_since IS NOT NULL"),
    )
    for column in _of_event():
        op.add_column("event", column)
    op.execute("UPDATE event SET field_days = '{}', forgotten_fields = '[]', openness = '{}'")
    for column in _of_organizer():
        op.add_column("organizer", column)
    op.add_column("organizer_session", sa.Column("password_at", sa.DateTime(), nullable=True))
    op.add_column("category", sa.Column("asks_vetting_name", sa.Boolean(), server_default=sa.false(), nullable=False))
    with op.batch_alter_table("delivery") as batch_op:
        _allow(batch_op, NEW_KINDS)
    op.add_column("delivery", sa.Column("told_apart", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("event", sa.Column("unwiped_since", sa.DateTime(), nullable=True))
    _order_indexes()
    _create_submission()
    _create_unmasking()
    op.create_table(
        "key_check",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("proof", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_check")),
    )


def downgrade() -> None:
    for table in ("key_check", "unmasking", "submission"):
        op.drop_table(table)
    op.drop_column("delivery", "told_apart")
    op.drop_column("event", "unwiped_since")
    op.execute("DELETE FROM delivery WHERE kind = 'farewell'")
    with op.batch_alter_table("delivery") as batch_op:
        _allow(batch_op, KINDS)
    op.drop_column("category", "asks_vetting_name")
    for column in _of_organizer():
        op.drop_column("organizer", column.name)
    op.drop_column("organizer_session", "password_at")
    for column in _of_event():
        op.drop_column("event", column.name)
    op.drop_index("ix_registration_leaving", table_name="registration")
    for column in _of_registration():
        op.drop_column("registration", column.name)


def _order_indexes() -> None:
    """SQLite chooses among indexes by when they were made, and the batch has made them anew in any order."""
    if op.get_bind().dialect.name != "sqlite":
        return
    find = "SELECT sql FROM sqlite_master WHERE type = 'index' AND name = :name"
    for name in ("due", "owner", "message_digest", "announcement", "not_sent"):
        (code,) = op.get_bind().execute(sa.text(find), {"name": f"ix_delivery_{name}"}).one()
        op.execute(f"DROP INDEX ix_delivery_{name}")
        op.execute(code)


def _of_registration() -> tuple[sa.Column, ...]:
    return (
        sa.Column("vetting", sa.LargeBinary(), nullable=True),
        sa.Column("manage_renewed_at", sa.DateTime(), nullable=True),
        sa.Column("feed_renewed_at", sa.DateTime(), nullable=True),
        sa.Column("unsubscribe_generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unsubscribe_renewed_at", sa.DateTime(), nullable=True),
        sa.Column("leaving_since", sa.DateTime(), nullable=True),
    )


def _of_organizer() -> tuple[sa.Column, ...]:
    return (
        sa.Column("factor", sa.LargeBinary(), nullable=True),
        sa.Column("factor_step", sa.BigInteger(), nullable=True),
    )


def _of_event() -> tuple[sa.Column, ...]:
    """JSON may be null: to forbid it later SQLite would build the table anew, and drop all that refers to it."""
    return (
        sa.Column("field_days", sa.JSON(), nullable=True),
        sa.Column("keeps_vetting_names", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("forgotten_fields", sa.JSON(), nullable=True),
        sa.Column("forgotten_at", sa.DateTime(), nullable=True),
        sa.Column("erased", sa.Integer(), server_default="0", nullable=False),
        sa.Column("openness", sa.JSON(), nullable=True),
    )


def _allow(batch_op: sa.Any, kinds: tuple[str, ...]) -> None:
    batch_op.drop_constraint(op.f("ck_delivery_deliverykind"), type_="check")
    batch_op.create_check_constraint(op.f("ck_delivery_deliverykind"), f"kind IN {kinds}")


def _create_submission() -> None:
    op.create_table(
        "submission",
        sa.Column("id", ID, nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("sign_up", "find", name="submissionkind", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_submission_event_id_event"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("event_id", "kind", "digest", name=op.f("uq_submission_event_id_kind_digest")),
        sa.UniqueConstraint("public_id", name=op.f("uq_submission_public_id")),
    )


def _create_unmasking() -> None:
    op.create_table(
        "unmasking",
        sa.Column("id", ID, nullable=False),
        sa.Column("public_id", sa.String(length=22), nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("organizer_id", ID, nullable=False),
        sa.Column("registration_id", ID, nullable=True),
        sa.Column(
            "what",
            sa.Enum(
                "list", "category", "vetting_name", name="sight", native_enum=False, create_constraint=True, length=20
            ),
            nullable=False,
        ),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_unmasking_event_id_event"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["organizer_id"], ["organizer.id"], name=op.f("fk_unmasking_organizer_id_organizer")),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_unmasking_registration_id_registration"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unmasking")),
        sa.UniqueConstraint("public_id", name=op.f("uq_unmasking_public_id")),
    )
    op.create_index(op.f("ix_unmasking_event_id"), "unmasking", ["event_id"])
    op.create_index(op.f("ix_unmasking_registration_id"), "unmasking", ["registration_id"])
