"""How migrations reach the application's database."""

from alembic import context
from flask import current_app

from registration.models import Registration

database = current_app.extensions["migrate"].db
metadata = Registration.metadata


def run_migrations() -> None:
    """Run them on the application's engine, all in one transaction."""
    with database.engine.connect().execution_options(immediate=True) as connection:
        context.configure(
            connection=connection,
            target_metadata=metadata,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run_migrations()
