"""`/metrics`: how the outbox does, for Prometheus. Each answer is counted in the database, because there are several
web processes, and a worker may be on another machine; nothing in it tells of people or events."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from config import Settings
from registration import clock
from registration.domain.queue_health import QueueHealth, Standing, health
from registration.networks import plain_address

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def metrics() -> Response:
    """Answer who may read it with the numbers; for all others there is no such page."""
    if not _may_read():
        abort(404)
    now = clock.now()
    registry = CollectorRegistry()
    registry.register(_Outbox(health(now=now), now))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _Outbox(Collector):
    """The gauges of one answer."""

    def __init__(self, queue: QueueHealth, now: datetime) -> None:
        self._queue = queue
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield them as Prometheus names and reads them."""
        queue = self._queue
        mails = GaugeMetricFamily("plenary_mails", "Mails by how they stand.", labels=["state"])
        for standing in Standing:
            mails.add_metric([standing.value], queue.mails[standing])
        yield mails
        age = (self._now - queue.oldest_due_at).total_seconds() if queue.oldest_due_at else 0
        yield GaugeMetricFamily("plenary_oldest_due_seconds", "Age of the oldest mail that is due and not sent.", age)
        for name, words, value in (
            ("mail_overdue", "Mails due for more than two minutes and not sent.", queue.mails_overdue),
            ("reminders_overdue", "Rounds of reminders that no worker has made in time.", queue.reminders_overdue),
            ("addresses_stopped", "Addresses to which nothing is sent any more.", queue.addresses_stopped),
            ("submissions_overdue", "Forms sent by people that no worker has answered.", queue.submissions_overdue),
        ):
            yield GaugeMetricFamily(f"plenary_{name}", words, value)


def _may_read() -> bool:
    """Whether the settings allow the client's address, as it is known behind the proxies that the settings declare.

    A proxy that is not declared would lend everybody its own address.
    """
    settings: Settings = current_app.config["PLENARY"]
    if not settings.trusted_proxies and {"X-Forwarded-For", "Forwarded"} & set(request.headers.keys()):
        return False
    address = plain_address(request.remote_addr or "")
    return address is not None and any(address in network for network in settings.metrics_allow)
