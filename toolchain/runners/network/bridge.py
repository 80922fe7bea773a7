"""Joins ports on a sandbox's own loopback address with unix sockets outside, then becomes the program; a child process copies.

    python -I -S bridge.py PORT=SOCKET… SOCKET=PORT… -- PROGRAM ARGUMENT…

PORT=SOCKET: who connects to the port reaches what listens on the socket. SOCKET=PORT: the socket is made as soon as something listens
on the port, and who connects to it reaches that. This file runs inside the sandbox, alone, and imports the standard library only.
"""

import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable

ADDRESS = "127.0.0.1"
CHUNK = 64 << 10


def main(arguments: list[str]) -> None:
    """Open what can be opened, leave a child that copies, and become the program. Does not return."""
    end = arguments.index("--")
    inward, outward = [], []
    for join in arguments[:end]:
        left, _, right = join.rpartition("=")
        if left.isdigit():
            # Listening before the program starts, which then never comes too early.
            listener = socket.socket()
            listener.bind((ADDRESS, int(left)))
            listener.listen(128)
            inward.append((listener, right))
        else:
            outward.append((left, int(right)))
    program = os.getpid()
    if os.fork() == 0:
        try:
            copy(inward, outward, program)
        finally:
            os._exit(0)
    for listener, _ in inward:
        listener.close()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    try:
        os.execvp(arguments[end + 1], arguments[end + 1 :])  # noqa: S606 - no shell is meant
    except OSError as error:
        os.write(2, f"{arguments[end + 1]}: {error.strerror}\n".encode(errors="replace"))
        os._exit(127)


def copy(inward: list[tuple[socket.socket, str]], outward: list[tuple[str, int]], program: int) -> None:
    """Serve all joins until the program has ended."""
    import asyncio
    from contextlib import suppress

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(CHUNK):
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str | int) -> None:
        try:
            if isinstance(target, int):
                other = await asyncio.open_connection(ADDRESS, target)
            else:
                other = await asyncio.open_unix_connection(target)
        except OSError:
            writer.close()
            return
        await asyncio.gather(pump(reader, other[1]), pump(other[0], writer), return_exceptions=True)
        for each in (writer, other[1]):
            with suppress(OSError):
                each.close()

    def joining(target: str | int) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
        return lambda reader, writer: join(reader, writer, target)

    async def offer(path: str, port: int) -> None:
        while True:
            try:
                _, probe = await asyncio.open_connection(ADDRESS, port)
            except OSError:
                await asyncio.sleep(0.05)
                continue
            probe.close()
            break
        with suppress(FileNotFoundError):
            os.unlink(path)
        draft = f"{path}.new"
        await asyncio.start_unix_server(joining(port), draft)
        os.chmod(draft, 0o666)  # noqa: S103 - the folder decides who reaches it
        os.rename(draft, path)

    async def serve() -> None:
        for listener, path in inward:
            await asyncio.start_server(joining(path), sock=listener)
        await asyncio.gather(*(offer(path, port) for path, port in outward))
        while os.getppid() == program:
            await asyncio.sleep(1)

    # A stop is meant for the program; it may still have to answer while it ends.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve())


if __name__ == "__main__":
    main(sys.argv[1:])
