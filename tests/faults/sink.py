"""An SMTP server that keeps a book of what it took, and can be told to fail at any point of the talk."""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from tests.support.ports import HERE

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER for no time: the line is not closed but reset."""
PATIENCE = 100
"""Seconds after which a stalled talk ends by itself."""


class Point(StrEnum):
    """Where a client waits for an answer."""

    CONNECT = "connect"
    EHLO = "EHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    DOT = "dot"


GOOD = {
    Point.CONNECT: "220 sink.example.org",
    Point.EHLO: "250-sink.example.org\r\n250 SIZE 1000000",
    Point.MAIL: "250 2.1.0 OK",
    Point.RCPT: "250 2.1.5 OK",
    Point.DATA: "354 Go on",
    Point.DOT: "250 2.0.0 OK",
}


class Taken(NamedTuple):
    """One mail that the server has taken: it answered 250, or had begun to."""

    recipient: str
    message_id: str
    at: float
    text: str


@dataclass
class Stall:
    """Let the client wait at one point: `reached` is set when one has come there (from `port`), it waits for `go_on`,
    and then `answered` is set."""

    reached: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def wait(self) -> None:
        """Stand here until the test, or its end, says otherwise."""
        self.reached.set()
        self.go_on.wait(PATIENCE)


class Behaviour(NamedTuple):
    """What to do at a point in place of the good answer. `reply`: another answer; `stall`: before it; `reset`: break
    the line in place of it; `wait`: seconds before it; `pause`: seconds before each octet of it."""

    reply: str = ""
    stall: Stall | None = None
    reset: bool = False
    wait: float = 0
    pause: float = 0


Rule = Callable[[Point, str], Behaviour | None]
"""What a test wants at a point for a recipient ("" before RCPT); None: the good answer."""


class Sink(socketserver.ThreadingTCPServer):
    """The server; `book` is what it took, in order. `delay`: seconds it takes to answer the dot."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port: int = 0) -> None:
        super().__init__((HERE, port), _Talk)
        self.port: int = self.server_address[1]
        self.book: list[Taken] = []
        self.delay = 0.0
        self.talks = self.ended = 0
        self.rule: Rule = lambda _point, _recipient: None
        self._stalls: list[Stall] = []

    @property
    def open_talks(self) -> int:
        """How many clients have not hung up."""
        return self.talks - self.ended

    def await_talk(self, talks: int) -> None:
        """Wait for one more client than so many."""
        begun = time.monotonic()
        while self.talks <= talks:
            assert time.monotonic() - begun < PATIENCE, "nobody came to the mail server"
            time.sleep(0.01)

    def stall_all(self, point: Point) -> Stall:
        """Let every client that comes to `point` wait there until it may go on."""
        stall = Stall()
        self._stalls.append(stall)
        self.rule = lambda here, _recipient: Behaviour(stall=stall) if here is point else None
        return stall

    def stall_once(self, point: Point) -> Stall:
        """Let the next client that comes to `point` wait there."""
        stall = Stall()
        self._stalls.append(stall)
        left = [stall]

        def rule(here: Point, _recipient: str) -> Behaviour | None:
            return Behaviour(stall=left.pop()) if here is point and left else None

        self.rule = rule
        return stall

    def release(self) -> None:
        """Let everybody go on, and answer well again."""
        self.rule = lambda _point, _recipient: None
        while self._stalls:
            self._stalls.pop().go_on.set()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that was killed is no fault of ours."""


class _Talk(socketserver.StreamRequestHandler):
    server: Sink

    def handle(self) -> None:
        self.server.talks += 1
        self.recipient = ""
        try:
            if self._answer(Point.CONNECT):
                while self._command(self.rfile.readline(1000).decode("ascii", "replace")):
                    pass
        except OSError:
            pass
        finally:
            self.server.ended += 1

    def _command(self, line: str) -> bool:
        verb = line[:4].upper().strip()
        if verb in ("MAIL", "RCPT") and self._out_of_order(verb):
            return self._say("503 5.5.1 Nested MAIL command")
        if verb == "RCPT":
            found = re.search(r"<(.*)>", line)
            self.recipient = found[1] if found else ""
        if verb == "DATA":
            return self._answer(Point.DATA) and self._content()
        if verb in ("EHLO", "MAIL", "RCPT"):
            return self._answer(Point(verb))
        if verb == "RSET":
            self._in_mail, self.recipient = False, ""
            return self._say("250 2.0.0 OK")
        if verb == "QUIT":
            self._say("221 2.0.0 Bye")
            return False
        return bool(verb) and self._say("502 5.5.1 What?")

    _in_mail = False

    def _out_of_order(self, verb: str) -> bool:
        return self._in_mail == (verb == "MAIL")

    def _content(self) -> bool:
        """Read a mail, take it, and answer; where DATA was refused there is none."""
        if not self._goes:
            return True
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line)
        if not line:
            return False
        content = b"".join(lines).decode("utf-8", "replace")
        self._in_mail = False
        found = re.search(r"^Message-ID:\s*(\S+)", content, re.MULTILINE | re.IGNORECASE)
        assert found, "a mail without Message-ID"
        self._mail = Taken(self.recipient, found[1], time.monotonic(), content)
        if self.server.delay:
            time.sleep(self.server.delay)
        return self._answer(Point.DOT)

    def _answer(self, point: Point) -> bool:
        """Answer at a point, well or as the test wants; returns whether the talk goes on."""
        wanted = self.server.rule(point, self.recipient) or Behaviour()
        reply = wanted.reply or GOOD[point]
        self._goes = reply[0] in "23"
        if point is Point.DOT and self._goes:
            self.server.book.append(self._mail)
        if point is Point.MAIL:
            self._in_mail = self._goes
        if wanted.stall:
            wanted.stall.port = self.client_address[1]
            wanted.stall.wait()
        time.sleep(wanted.wait)
        if wanted.reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.connection.close()
            return False
        self._say(reply, wanted.pause)
        if wanted.stall:
            wanted.stall.answered.set()
        return not reply.startswith("421") and (self._goes or point is not Point.CONNECT)

    def _say(self, reply: str, pause: float = 0) -> bool:
        octets = f"{reply}\r\n".encode()
        for part in [octets[i : i + 1] for i in range(len(octets))] if pause else [octets]:
            time.sleep(pause)
            self.wfile.write(part)
        return True


@contextmanager
def running_sink(port: int = 0) -> Iterator[Sink]:
    """Serve on a port of this machine (a free one)."""
    with Sink(port) as sink:
        thread = threading.Thread(target=sink.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield sink
        finally:
            sink.release()
            sink.shutdown()
            thread.join()
