"""Calling an address that a person gave: public ones only, and exactly the one that was checked.

A name is resolved once; every address it has must be allowed, and the connection goes to one of those, so that a name server that
changes its answer gains nothing. Redirects are not followed, proxies of the environment are not used.
"""

import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

import certifi
from django.utils.translation import gettext_lazy as _
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError, NewConnectionError, SSLError, TimeoutError
from urllib3.util import Timeout, parse_url

CONNECT_SECONDS = 3.0
WHOLE_SECONDS = 10.0
MAX_ANSWER = 64 * 1024

FAILURES = {
    "bad_url": _("This is not a web address. Write one such as https://example.com/hook."),
    "bad_scheme": _("The address must begin with http:// or https://."),
    "credentials_in_url": _("The address must not contain a name or password; check the signature instead."),
    "bad_port": _("Of the ports below 1024 only 80 and 443 may be called."),
    "unknown_host": _("The name of the host does not lead to an address."),
    "private_address": _("The address lies in a network that must not be called from here. An administrator may allow it."),
    "no_connection": _("No connection could be made."),
    "tls_failed": _("The certificate or the encryption of the receiver is not right."),
    "timed_out": _("The receiver took too long."),
    "broken_answer": _("The connection ended before the answer did."),
    "redirected": _("The receiver answered with a redirect, which is not followed. Enter the final address."),
    "bad_status": _("The receiver answered with an error."),
    "switched_off": _("The webhook was switched off before this could be sent."),
}
"""Why a call did not succeed, by code."""

# What `is_global` lets through although it may lead inside: IPv4 in IPv6 clothes, relays, and a cloud's own services.
REFUSED = [
    ip_network(text)
    for text in (
        "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/23", "2002::/16", "fec0::/10",
        "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32",
    )
]  # fmt: skip

Resolver = Callable[[str, int], Sequence[str]]


class CallError(Exception):
    """A call that cannot be made or did not succeed; `code` is one of `FAILURES`."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


@dataclass(frozen=True)
class Target:
    """Where a call goes. `host` is a name or an IP address without brackets, `path` includes the query."""

    scheme: str
    host: str
    port: int
    path: str


@dataclass(frozen=True)
class Answer:
    """What the receiver said: `body` is at most `MAX_ANSWER` bytes of it."""

    status: int
    body: bytes


def target_of(url: str) -> Target:
    """Return where `url` leads, or raise `CallError` for an address that is never called; asks no name server."""
    if not url.isprintable() or "\\" in url or " " in url:
        raise CallError("bad_url")
    try:
        parts = parse_url(url)
    except LocationParseError as error:
        raise CallError("bad_url") from error
    if parts.scheme not in ("http", "https"):
        raise CallError("bad_scheme")
    if parts.auth is not None:
        raise CallError("credentials_in_url")
    host = (parts.host or "").removeprefix("[").removesuffix("]")
    if not host or "%" in host:
        raise CallError("bad_url")
    port = parts.port if parts.port is not None else {"http": 80, "https": 443}[parts.scheme]
    if port < 1024 and port not in (80, 443):
        raise CallError("bad_port")
    return Target(parts.scheme, host, port, parts.request_uri)


def check_url(url: str, *, allowed: Iterable[str] = ()) -> None:
    """Raise `CallError` unless `url` may be called, as far as can be told without asking a name server."""
    target = target_of(url)
    name = target.host.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        check_addresses(["127.0.0.1"], allowed=allowed)
        return
    with suppress(OSError):
        # Numbers in every form that the system understands: 127.1, 2130706433, 0x7f000001, ::1.
        check_addresses(_looked_up(name, target.port, socket.AI_NUMERICHOST), allowed=allowed)


def resolve(host: str, port: int) -> Sequence[str]:
    """Return every address of `host`, asking the system's name servers for at most `CONNECT_SECONDS`."""
    found: list[Sequence[str]] = []

    def look_up() -> None:
        with suppress(OSError, UnicodeError):
            found.append(_looked_up(host, port))

    # The system's own look-up takes no time limit.
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    return found[0] if found else []


def _looked_up(host: str, port: int, flags: int = 0) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    return list(dict.fromkeys(str(address[4][0]) for address in found))


def check_addresses(addresses: Sequence[str], *, allowed: Iterable[str] = ()) -> None:
    """Raise `CallError` unless every one of the IP addresses is public or lies in one of the networks `allowed`."""
    networks = [ip_network(text) for text in allowed]
    if not addresses:
        raise CallError("unknown_host")
    for text in addresses:
        if not _may_be_called(text, networks):
            raise CallError("private_address")


def _may_be_called(text: str, allowed: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if getattr(address, "scope_id", None):
        return False
    if any(address in network for network in allowed):
        return True
    if any(address in network for network in REFUSED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local)


class _Deadline:
    """Cuts a connection when the time is up, whatever the other side is doing: its own limits count each read anew."""

    def __init__(self, seconds: float) -> None:
        self.ends = time.monotonic() + seconds
        self.passed = False
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "_Deadline":
        self._timer.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._timer.cancel()
        with self._lock:
            while self._held:
                self._held.pop().close()

    @property
    def left(self) -> float:
        return max(0.01, self.ends - time.monotonic())

    def hold(self, connection: socket.socket) -> None:
        """Cut this connection too. TLS takes the socket itself over, so a second handle on it is kept."""
        with self._lock:
            self._held.append(connection.dup())
        if self.passed:
            self._cut()

    def _cut(self) -> None:
        with self._lock:
            self.passed = True
            for connection in self._held:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Pinned:
    """Connects to addresses that were checked, never to what the name leads to now."""

    def __init__(self, *args: Any, addresses: Sequence[str], deadline: _Deadline, **options: Any) -> None:
        super().__init__(*args, **options)
        self.addresses, self.deadline = addresses, deadline

    def _new_conn(self) -> socket.socket:
        reason: OSError | None = None
        for address in self.addresses:
            try:
                made = socket.create_connection((address, self.port), timeout=min(CONNECT_SECONDS, self.deadline.left))  # type: ignore[attr-defined]
            except OSError as error:
                reason = error
            else:
                self.deadline.hold(made)
                return made
        raise NewConnectionError(self, str(reason)) from reason  # type: ignore[arg-type]


class _PinnedHTTP(_Pinned, HTTPConnection):
    pass


class _PinnedHTTPS(_Pinned, HTTPSConnection):
    pass


@cache
def _trusted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Iterable[str] = (),
    resolver: Resolver = resolve,
    seconds: float = WHOLE_SECONDS,
    trusted: ssl.SSLContext | None = None,
) -> Answer:
    """Send `body` to `url` and return the answer, whatever its status; raise `CallError` where there is none in time."""
    target = target_of(url)
    with _Deadline(seconds) as deadline:
        addresses = resolver(target.host, target.port)
        check_addresses(addresses, allowed=allowed)
        pool = _pool(target, addresses, deadline, trusted)
        try:
            response = pool.urlopen(
                "POST", target.path, body=body, headers=dict(headers), redirect=False, retries=False,
                preload_content=False, decode_content=False, assert_same_host=False,
            )  # fmt: skip
            answer = Answer(response.status, response.read(MAX_ANSWER, decode_content=False))
            response.close()
        except (HTTPError, OSError) as error:
            raise CallError("timed_out") if deadline.passed else _failure(error) from error
        finally:
            pool.close()
        if deadline.passed:
            raise CallError("timed_out")
    return answer


def _pool(target: Target, addresses: Sequence[str], deadline: _Deadline, trusted: ssl.SSLContext | None) -> HTTPConnectionPool:
    limits = Timeout(connect=CONNECT_SECONDS, read=deadline.left)
    shared: dict[str, Any] = {"timeout": limits, "maxsize": 1, "addresses": addresses, "deadline": deadline}
    pool: HTTPConnectionPool
    if target.scheme == "https":
        pool = HTTPSConnectionPool(target.host, target.port, ssl_context=trusted or _trusted(), **shared)
        pool.ConnectionCls = _PinnedHTTPS
    else:
        pool = HTTPConnectionPool(target.host, target.port, **shared)
        pool.ConnectionCls = _PinnedHTTP
    return pool


def _failure(error: Exception) -> CallError:
    if isinstance(error, SSLError):
        return CallError("tls_failed", str(error)[:300])
    if isinstance(error, NewConnectionError):
        return CallError("no_connection")
    return CallError("timed_out" if isinstance(error, TimeoutError) else "broken_answer")


def body_of(message: Mapping[str, Any]) -> bytes:
    """Return the bytes that are sent and signed: JSON in UTF-8, the same for every try."""
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def signature(secret: str, body: bytes, moment: int) -> str:
    """Return the header that proves who sent `body`, and when in Unix seconds: `t=<moment>,v1=<hex HMAC-SHA-256 of "moment.body">`."""
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"
