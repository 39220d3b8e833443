"""CSV export against a bare loop over the same sealed rows: database driver, AES-GCM, json, csv.writer.

`python -m bench.export [ROWS]` prints the ratio of their times (the bar: at most 1.5) and the peak of resident memory
(the bar: under 150 MB, and flat as rows grow).
"""

from __future__ import annotations

import csv
import json
import multiprocessing
import random
import resource
import secrets
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytz
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import Flask
from sqlalchemy import insert

from config import SealKey
from registration.domain import exports
from registration.domain.attendees import Filters
from registration.domain.personal import Personal
from registration.extensions import db, keyring, prepare_sqlite
from registration.keys import NONCE_BYTES, new_public_id
from registration.models import Event, Registration
from registration.models.registration import PROVED
from tests.support.events import make_event

ROWS = 100_000
ROUNDS = 5
BAR = 1.5
MEMORY_BAR_MB = 150
SEAL_KEY = SealKey("k1", bytes(range(32)))
START = datetime(2026, 3, 2, 15, 0, tzinfo=pytz.utc)
