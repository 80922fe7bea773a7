"""A program that receives webhooks, on loopback: it remembers what it was sent, and misbehaves on request."""

import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class Receiver:
    """A server in a thread. `statuses` are answered one after the other, the last one for ever.

    `drip` makes it slow: `before` the answer, in its `headers` or in its `body`. `raw` is sent instead of an answer.
    """

    def __init__(
        self,
        *,
        status: int = 200,
        statuses: Sequence[int] = (),
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        drip: str = "",
        raw: bytes = b"",
        certificate: Path | None = None,
    ) -> None:
        self.calls: list[Call] = []
        self.names: list[str] = []
        self.statuses = list(statuses or [status])
        self.body, self.headers, self.drip, self.raw = body, dict(headers or {}), drip, raw
        self.over = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            context.sni_callback = lambda _socket, name, _context: self.names.append(name)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)

    @property
    def port(self) -> int:
        return self.server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_error: Any) -> None:
        self.over.set()
        self.server.shutdown()
        self.server.server_close()

    def next_status(self) -> int:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                receiver.calls.append(Call(self.command, self.path, dict(self.headers.items()), body))
                self.close_connection = True
                with suppress(OSError):
                    self.answer()

            def answer(self) -> None:
                if receiver.raw:
                    self.wfile.write(receiver.raw)
                    return
                if receiver.drip == "before":
                    receiver.over.wait(10)
                self.send_response(receiver.next_status())
                for name, value in receiver.headers.items():
                    self.send_header(name, value)
                if receiver.drip == "headers":
                    self.flush_headers()
                    self.slowly(lambda number: f"X-{number}: {number}\r\n".encode())
                self.send_header("Content-Length", str(len(receiver.body) or (10**6 if receiver.drip else 0)))
                self.end_headers()
                self.wfile.write(receiver.body)
                if receiver.drip == "body":
                    self.slowly(lambda _number: b"x")

            def slowly(self, piece: Any) -> None:
                for number in range(90):
                    self.wfile.write(piece(number))
                    self.wfile.flush()
                    if receiver.over.wait(0.1):
                        return

            def log_message(self, *_arguments: Any) -> None:
                pass

        return Handler


def certificate(folder: Path, name: str) -> Path:
    """Write a certificate for `name`, signed by itself, with its key, and return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path
