"""delivery

Announcements, reminder rules of the organizers' own, bounces and the addresses they stop, the wish to be left alone,
and the pace of sending.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
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
)
NEW_KINDS = (*KINDS, "announcement")
STATES = ("waiting", "sent", "failed", "dropped")
NEW_STATES = (*STATES, "bounced", "stopped")
MOMENT = (
    "minutes_before > 0 AND days_before IS NULL AND clock_time IS NULL"
    " OR minutes_before IS NULL AND days_before >= 0 AND clock_time IS NOT NULL"
)
ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_WAITING = sa.text("state = 'waiting'")
HAS_DIGEST = sa.text("message_digest IS NOT NULL")
IS_ANNOUNCED = sa.text("announcement_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("registration", sa.Column("unsubscribed_at", sa.DateTime(), nullable=True))
    _create_announcement()
    _create_small_tables()
    with op.batch_alter_table("delivery") as batch_op:
        batch_op.add_column(sa.Column("announcement_id", ID, nullable=True))
        batch_op.add_column(sa.Column("reply_status", sa.String(length=11), nullable=True))
        batch_op.add_column(sa.Column("message_digest", sa.LargeBinary(length=16), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_delivery_announcement_id_announcement"),
            "announcement",
            ["announcement_id"],
            ["id"],
            ondelete="CASCADE",
        )
        _allow(batch_op, "deliverykind", "kind", NEW_KINDS)
        _allow(batch_op, "deliverystate", "state", NEW_STATES)
    op.create_index(
        "ix_delivery_message_digest",
        "delivery",
        ["message_digest"],
        sqlite_where=HAS_DIGEST,
        postgresql_where=HAS_DIGEST,
    )
    op.create_index(
        "ix_delivery_announcement",
        "delivery",
        ["announcement_id"],
        sqlite_where=IS_ANNOUNCED,
        postgresql_where=IS_ANNOUNCED,
    )
    op.create_index(
        "ix_delivery_not_sent", "delivery", ["due_at"], sqlite_where=IS_WAITING, postgresql_where=IS_WAITING
    )
    with op.batch_alter_table("reminder_rule") as batch_op:
        batch_op.alter_column("minutes_before", existing_type=sa.Integer(), nullable=True)
        batch_op.add_column(sa.Column("days_before", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("clock_time", sa.Time(), nullable=True))
        for name, empty in (("sessions", "[]"), ("languages", "[]"), ("subject", "{}"), ("text", "{}")):
            batch_op.add_column(sa.Column(name, sa.JSON(), server_default=empty, nullable=False))
        batch_op.add_column(sa.Column("paused", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.drop_constraint(op.f("ck_reminder_rule_minutes_before"), type_="check")
        batch_op.create_check_constraint(op.f("ck_reminder_rule_moment"), MOMENT)
    with op.batch_alter_table("reminder_rule") as batch_op:
        for name in ("sessions", "languages", "subject", "text"):
            batch_op.alter_column(name, existing_type=sa.JSON(), existing_nullable=False, server_default=None)


def downgrade() -> None:
    op.execute("DELETE FROM reminder_rule WHERE minutes_before IS NULL")
    with op.batch_alter_table("reminder_rule") as batch_op:
        batch_op.drop_constraint(op.f("ck_reminder_rule_moment"), type_="check")
        batch_op.create_check_constraint(op.f("ck_reminder_rule_minutes_before"), "minutes_before > 0")
        for name in ("paused", "text", "subject", "languages", "sessions", "clock_time", "days_before"):
            batch_op.drop_column(name)
        batch_op.alter_column("minutes_before", existing_type=sa.Integer(), nullable=False)
    op.drop_index("ix_delivery_announcement", table_name="delivery")
    op.drop_index("ix_delivery_not_sent", table_name="delivery")
    op.drop_index("ix_delivery_message_digest", table_name="delivery")
    op.execute("DELETE FROM delivery WHERE kind = 'announcement'")
    op.execute("UPDATE delivery SET state = 'failed' WHERE state = 'bounced'")
    op.execute("UPDATE delivery SET state = 'dropped' WHERE state = 'stopped'")
    with op.batch_alter_table("delivery") as batch_op:
        _allow(batch_op, "deliverykind", "kind", KINDS)
        _allow(batch_op, "deliverystate", "state", STATES)
        batch_op.drop_constraint(op.f("fk_delivery_announcement_id_announcement"), type_="foreignkey")
        for name in ("message_digest", "reply_status", "announcement_id"):
            batch_op.drop_column(name)
    for table in ("mail_pace", "stopped_address", "announcement"):
        op.drop_table(table)
    op.drop_column("registration", "unsubscribed_at")


def _allow(batch_op: sa.Any, name: str, column: str, values: tuple[str, ...]) -> None:
    batch_op.drop_constraint(op.f(f"ck_delivery_{name}"), type_="check")
    batch_op.create_check_constraint(op.f(f"ck_delivery_{name}"), f"{column} IN {values}")


def _create_announcement() -> None:
    op.create_table(
        "announcement",
        sa.Column("id", ID, nullable=False),
        sa.Column("event_id", ID, nullable=False),
        sa.Column("subject", sa.JSON(), nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.Column("states", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("sessions", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("send_at", sa.DateTime(), nullable=True),
        sa.Column("made_at", sa.DateTime(), nullable=True),
        sa.Column("created_by", ID, nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["created_by"], ["organizer.id"], name=op.f("fk_announcement_created_by_organizer")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event.id"], name=op.f("fk_announcement_event_id_event"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_announcement")),
    )
    op.create_index(op.f("ix_announcement_event_id"), "announcement", ["event_id"])
    op.create_index(op.f("ix_announcement_send_at"), "announcement", ["send_at"])


def _create_small_tables() -> None:
    op.create_table(
        "stopped_address",
        sa.Column("address_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("status", sa.String(length=11), nullable=False),
        sa.Column("stopped_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_stopped_address")),
    )
    op.create_table(
        "mail_pace",
        sa.Column("id", ID, nullable=False),
        sa.Column("tokens", sa.Double(), nullable=False),
        sa.Column("filled_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_pace")),
    )
