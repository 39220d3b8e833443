"""Gunicorn's settings: threads, because a request waits for the database more than it computes.

It has to stand behind a proxy that reads a whole request before it passes it on (nginx does): each request holds a
thread until its last byte, and nothing here ends one that comes a byte a second.
"""

import os

workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 4
keepalive = 5
timeout = 30
# Our longest addresses and cookies are a few hundred bytes; the form's size is the application's matter.
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190
# Addresses of readers are not logged: not with requests, nor with those that cannot be read (a warning).
accesslog = None
loglevel = "error"
