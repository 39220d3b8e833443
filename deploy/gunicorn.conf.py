"""Gunicorn's settings: threads, because a request waits for the database more than it computes."""

import os

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
keepalive = 5
timeout = 30
# Addresses of readers are not logged: not with requests, nor with those that cannot be read (a warning).
accesslog = None
loglevel = "error"
