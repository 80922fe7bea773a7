"""A forward proxy that leads to the package indexes and nowhere else (RFC 9110: CONNECT, and requests in absolute form)."""

import asyncio
import os
import socket
from base64 import b64encode
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from toolchain.runners.network.indexes import Indexes

_HEAD, _HEAD_SECONDS, _CONNECT_SECONDS, _IDLE_SECONDS = 32 << 10, 30, 30, 300
_CONNECTIONS = 128
_CHUNK = 64 << 10

Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Refused(Exception):
    """A request that is not passed on: the status line, and a sentence that pip and uv show."""

    def __init__(self, status: str, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


async def serve(path: Path, indexes: Indexes, *, proxies: Mapping[str, str] | None = None) -> asyncio.Server:
    """Listen on a unix socket at `path`, which anybody who reaches it may use, and return the server.

    `proxies` are addresses of the proxies this machine has to use, by scheme, and under "no" the names to reach without; by default
    what the environment says (https_proxy, http_proxy, all_proxy, no_proxy).
    """
    slots = asyncio.Semaphore(_CONNECTIONS)
    known = dict(getproxies_environment() if proxies is None else proxies)

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with slots:
                await _answer(reader, writer, indexes, known)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            pass
        finally:
            with suppress(OSError):
                writer.close()

    path.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(accepted, path, limit=_HEAD)
    os.chmod(path, 0o666)  # noqa: S103 - the folder decides who reaches it
    return server


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, indexes: Indexes, proxies: dict[str, str]) -> None:
    try:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            raise Refused("431 Request Header Fields Too Large", "The request's head is too long.") from None
        method, host, port, forwarded = _understood(head)
        if (host, port) not in indexes.reachable:
            raise Refused("403 Forbidden", f"{host}:{port} is not one of the package indexes of this gallery.")
        further = _further_proxy(method, host, port, proxies)
        upstream = await (_tunnel(further, host, port) if further else _connect(host, port, indexes))
    except Refused as refused:
        text = f"{refused.sentence}\n".encode()
        head = f"HTTP/1.1 {refused.status}\r\nContent-Type: text/plain\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode()
        writer.write(head + text)
        await writer.drain()
        return
    try:
        if method == "CONNECT":
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
        else:
            upstream[1].write(forwarded)
        await _join((reader, writer), upstream)
    finally:
        upstream[1].close()


def _understood(head: bytes) -> tuple[str, str, int, bytes]:
    """Return method, host, port and what to send on. What follows on the same connection can only reach the same host."""
    bad = Refused("400 Bad Request", "This is a proxy: requests name a whole address, or CONNECT a host and a port.")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise bad
    method, target, version = words
    try:
        parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise bad from None
    if not host or (parts.username is not None and method == "CONNECT"):
        raise bad
    if method == "CONNECT":
        if port is None:
            raise bad
        return method, host, port, b""
    if parts.scheme != "http":
        raise bad
    dropped = ("host", "connection", "proxy-connection", "proxy-authorization", "keep-alive", "upgrade")
    kept = [line for line in lines[1:] if line and line.partition(":")[0].strip().lower() not in dropped]
    place = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    named = parts.netloc.rpartition("@")[2]
    forwarded = "\r\n".join([f"{method} {place} {version}", f"Host: {named}", *kept, "Connection: close", "", ""])
    return method, host, port or 80, forwarded.encode("latin-1")


def _further_proxy(method: str, host: str, port: int, proxies: dict[str, str]) -> str:
    """Return the address of the proxy through which this machine reaches the host, nothing where it needs none."""
    found = proxies.get("https" if method == "CONNECT" else "http") or proxies.get("all", "")
    return "" if not found or proxy_bypass(f"{host}:{port}", proxies) else found


async def _tunnel(proxy: str, host: str, port: int) -> Ends:
    """Connect through another proxy, which resolves the name: what it may reach is up to those who run it."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    if parts.scheme != "http" or not parts.hostname:
        raise Refused("502 Bad Gateway", f"The proxy {parts.scheme}://{parts.hostname} of this machine is of a kind that is not supported.")
    secret = b64encode(f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()).decode() if parts.username else ""
    named = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80, limit=_HEAD)
            asked = [f"CONNECT {named} HTTP/1.1", f"Host: {named}", *([f"Proxy-Authorization: Basic {secret}"] if secret else []), "", ""]
            writer.write("\r\n".join(asked).encode("latin-1"))
            status = (await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0].decode("latin-1")
    except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        raise Refused("502 Bad Gateway", f"The proxy {parts.hostname} of this machine cannot be used: {error or 'no answer'}") from None
    if status.split(" ")[1:2] != ["200"]:
        writer.close()
        raise Refused("502 Bad Gateway", f"The proxy {parts.hostname} of this machine does not lead to {host}: {status}")
    return reader, writer


async def _connect(host: str, port: int, indexes: Indexes) -> Ends:
    """Resolve the name and connect to exactly the address that was looked at."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Refused("502 Bad Gateway", f"{host} was not found: {error.strerror or error}") from None
    addresses = [str(each[4][0]) for each in found]
    allowed = [address for address in dict.fromkeys(addresses) if indexes.accepts(host, address)]
    if not allowed:
        raise Refused("403 Forbidden", f"{host} has an address of a private network, and is not configured to have one.")
    trouble = ""
    for address in allowed:
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await asyncio.open_connection(address, port)
        except (OSError, TimeoutError) as error:
            trouble = str(error) or "it did not answer"
    raise Refused("502 Bad Gateway", f"{host} cannot be reached: {trouble}")


async def _join(one: Ends, other: Ends) -> None:
    """Copy both ways until both are at their end, or nothing has moved for long."""
    await asyncio.gather(_copy(one[0], other[1]), _copy(other[0], one[1]), return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            async with asyncio.timeout(_IDLE_SECONDS):
                data = await reader.read(_CHUNK)
            if not data:
                break
            writer.write(data)
            async with asyncio.timeout(_IDLE_SECONDS):
                await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except (OSError, TimeoutError):
        writer.close()
