"""nginx with the configuration that we ship, moved to ports and folders of a test."""

from __future__ import annotations

import getpass
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config import ROOT
from tests.support.ports import HERE, free_port

PATIENCE = 10


class Nginx(NamedTuple):
    """A running nginx: its ports for HTTPS and HTTP, the folder of its logs, and how to trust it."""

    port: int
    plain_port: int
    logs: Path
    trust: ssl.SSLContext


@contextmanager
def running_nginx(program: str, folder: Path, upstream_port: int) -> Iterator[Nginx]:
    """Run nginx in front of a server on `upstream_port`."""
    for name in ("log", "lib", "ssl"):
        (folder / name).mkdir()
    make_certificate(folder / "ssl")
    nginx = Nginx(free_port(), free_port(), folder / "log", ssl.create_default_context(cafile=_chain(folder)))
    path = folder / "nginx.conf"
    path.write_text(_moved((ROOT / "deploy" / "nginx.conf").read_text(), folder, nginx, upstream_port))
    command = [program, "-c", str(path), "-e", str(nginx.logs / "start.log"), "-g", "daemon off;"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as process:
        try:
            _wait_for(process, nginx.port)
            yield nginx
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _moved(config: str, folder: Path, nginx: Nginx, upstream_port: int) -> str:
    """The shipped words with other folders and ports; fails where one of them is not there any more."""
    places = {
        "user www-data;": f"user {getpass.getuser()};",
        "/run/nginx.pid": str(folder / "nginx.pid"),
        "/var/log/nginx/": f"{folder}/log/",
        "/etc/ssl/plenary/": f"{folder}/ssl/",
        "listen 80;": f"listen {HERE}:{nginx.plain_port};",
        "listen 443 ssl;": f"listen {HERE}:{nginx.port} ssl;",
        "listen [::]:80;": "",
        "listen [::]:443 ssl;": "",
        "127.0.0.1:8000;": f"{HERE}:{upstream_port};",
        "http {": "http {\n" + "".join(f"{one}_temp_path {folder}/lib/{one};\n" for one in TEMPORARY),
    }
    for shipped, here in places.items():
        assert shipped in config, f"deploy/nginx.conf says no more: {shipped}"
        config = config.replace(shipped, here)
    return config


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def make_certificate(folder: Path) -> None:
    """Write fullchain.pem and key.pem for this machine, signed by themselves."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "events.example.org")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HERE))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))


def _chain(folder: Path) -> str:
    return str(folder / "ssl" / "fullchain.pem")


def _wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    begun = time.monotonic()
    while True:
        assert process.poll() is None, "nginx has ended by itself"
        try:
            socket.create_connection((HERE, port), 1).close()
        except OSError:
            assert time.monotonic() - begun < PATIENCE, f"nginx does not listen within {PATIENCE} s"
            time.sleep(0.02)
        else:
            return
