"""What the fork server imports once for all workers; the application itself is made in each of them."""

import flask.cli
import psycopg

import registration

__all__ = ["flask", "psycopg", "registration"]
