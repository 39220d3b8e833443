"""What the tests stand on: databases, a mail server, a clock, pages and a browser."""
