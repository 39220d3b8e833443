"""The application, as a web server or the `flask` command finds it."""

from registration import create_app

app = create_app()
