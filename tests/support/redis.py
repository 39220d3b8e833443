"""A Redis of our own, without files."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.retry import Retry

from tests.support.ports import HERE, free_port

UNTIL_IT_ANSWERS = Retry(ConstantBackoff(0.05), retries=200, supported_errors=(NoConnection,))


@contextmanager
def running_redis(program: str) -> Iterator[str]:
    """Run a Redis server on a free port of this machine; gives its address, as REDIS_URL takes it."""
    port = free_port()
    command = [program, "--port", str(port), "--bind", HERE, "--save", "", "--appendonly", "no"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        try:
            url = f"redis://{HERE}:{port}/0"
            with Redis.from_url(url, retry=UNTIL_IT_ANSWERS) as client:
                client.ping()
            yield url
        finally:
            server.terminate()
