"""The application, as a web server or the `flask` command finds it."""

import gc
import sys

from config import SettingsError
from registration import create_app
from registration.starting import check_keys

CANNOT_START = 3
"""What gunicorn's workers end with when it is of no use to start them again."""

try:
    app = create_app()
    check_keys(app)
except SettingsError as error:
    sys.stderr.write(f"{error}\n")
    sys.exit(CANNOT_START)

# What is loaded by now stays: the garbage collector need not walk through it again and again.
gc.collect()
gc.freeze()
