"""Free ports of this machine."""

from __future__ import annotations

import socket

HERE = "127.0.0.1"


def free_socket() -> socket.socket:
    """A socket that listens on a free port: so the application can be told its port before it is made."""
    return socket.create_server((HERE, 0))


def free_port() -> int:
    """A port that was free a moment ago, for servers that insist on opening it themselves."""
    with free_socket() as listening:
        port: int = listening.getsockname()[1]
    return port
