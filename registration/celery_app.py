"""Many machines: Celery ticks what the worker's loop does alone. The database stays the only queue.

`celery --app registration.celery_app worker --concurrency 4` on any number of machines, and one
`celery --app registration.celery_app beat`. A task that is lost or comes twice does no harm: each does what is due by
then, and no more.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

from celery import Celery
from celery.signals import worker_process_init

from config import Settings, SettingsError
from registration import create_app, sweeping, worker
from registration.extensions import db
from registration.keys import new_public_id
from registration.starting import check_keys

TICK = 1.0
"""Seconds between two looks at what is due."""
WORTHLESS = 5
"""Seconds after which a tick that nobody took is thrown away: newer ones do the same."""
SHIFT = timedelta(seconds=5)
"""After which a delivering task begins no more mail and asks for another: a worker that is told to end waits for it."""

CANNOT_START = 3
"""What a process ends with when it is of no use to start it again, as in wsgi.py."""


def _celery(settings: Settings) -> Celery:
    if not settings.celery_broker_url:
        raise SettingsError("CELERY_BROKER_URL is not set: put a Redis or RabbitMQ's address into the environment.")
    made = Celery("plenary", broker=settings.celery_broker_url, set_as_current=False)
    made.conf.update(
        task_ignore_result=True,
        task_default_queue="plenary",
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        beat_schedule_filename=str(settings.instance_path / "celerybeat-schedule"),
        beat_schedule={
            name: {"task": f"plenary.{name}", "schedule": TICK, "options": {"expires": WORTHLESS}}
            for name in ("sweep", "deliver")
        },
    )
    return made


try:
    flask_app = create_app()
    check_keys(flask_app)
    app = _celery(flask_app.config["PLENARY"])
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(CANNOT_START)


@worker_process_init.connect
def _begin_process(**_event: Any) -> None:
    """A forked process has no use for the connections of the one it comes from."""
    with flask_app.app_context():
        db.engine.dispose(close=False)


@app.task(name="plenary.sweep")
def sweep() -> None:
    """Make what falls due."""
    with flask_app.app_context():
        if worker.is_ready():
            sweeping.sweep()


@app.task(name="plenary.deliver")
def deliver() -> None:
    """Hand one batch over, and ask for the next while there is more, or when MAIL_RATE lets it leave."""
    with flask_app.app_context():
        if not worker.is_ready():
            return
        wait = worker.deliver_guarded(new_public_id(), shift=SHIFT)
    if wait < TICK:
        deliver.apply_async(countdown=wait, expires=WORTHLESS)
