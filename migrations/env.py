"""How migrations reach the application's database."""

from alembic import context
from flask import current_app

from registration.models import Registration
from registration.models.types import UtcDateTime

database = current_app.extensions["migrate"].db
metadata = Registration.metadata


def plain_types(kind: str, item: object, _context: object) -> str | bool:
    """Write our own column types as what the database knows, so that old migrations do not depend on our code."""
    return "sa.DateTime()" if kind == "type" and isinstance(item, UtcDateTime) else False


def run_migrations() -> None:
    """Run them on the application's engine, all in one transaction."""
    with database.engine.connect().execution_options(immediate=True) as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            render_item=plain_types,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
