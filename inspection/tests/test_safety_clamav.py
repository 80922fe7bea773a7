"""Asking ClamAV: a real daemon with a signature of our own where one is installed, and every way in which one can fail."""

import hashlib
import shutil
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from inspection.files import Unreadable, in_memory
from inspection.safety.clamav import Unavailable, virus

SAMPLE = b"a file that only our own signature calls a virus"
LIMIT = 1_000_000


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start clamd with one signature and no others; return its address."""
    if shutil.which("clamd") is None:
        pytest.skip("needs clamd: apt-get install clamav-daemon")
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "own.hdb").write_text(f"{hashlib.md5(SAMPLE).hexdigest()}:{len(SAMPLE)}:Gallery.Test\n")
    (folder / "clamd.conf").write_text(
        f"DatabaseDirectory {folder}\nLocalSocket {folder}/c.sock\nForeground yes\nStreamMaxLength {LIMIT}\nTemporaryDirectory {folder}\nMaxThreads 2\n"
    )
    process = subprocess.Popen(["clamd", "-c", str(folder / "clamd.conf")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        seen = []
        for line in process.stdout:
            seen.append(line)
            if "Self checking" in line:
                break
        else:
            pytest.fail("".join(seen))
        yield f"unix:{folder}/c.sock"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.process
def test_daemon_finds_our_signature_and_nothing_else(daemon: str) -> None:
    assert virus(daemon, in_memory("a", SAMPLE)) == "Gallery.Test.UNOFFICIAL"
    assert virus(daemon, in_memory("a", b"harmless")) is None
    assert virus(daemon, in_memory("a", bytes(900_000))) is None


@pytest.mark.process
def test_daemon_refuses_what_is_beyond_its_limit(daemon: str) -> None:
    with pytest.raises(Unreadable, match="clamav_too_large"):
        virus(daemon, in_memory("a", bytes(20 * LIMIT)))


def exactly(channel: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (more := channel.recv(count - len(data))):
        data += more
    return data


def served(answer: Callable[[bytes], bytes]) -> tuple[str, threading.Thread]:
    """Serve one INSTREAM on a port of its own with what `answer` says of the contents; return the address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener, listener.accept()[0] as channel:
            assert exactly(channel, 10) == b"zINSTREAM\0"
            data = b""
            while length := struct.unpack(">I", exactly(channel, 4))[0]:
                data += exactly(channel, length)
            channel.sendall(answer(data))

    thread = threading.Thread(target=serve)
    thread.start()
    return f"tcp://127.0.0.1:{listener.getsockname()[1]}", thread


def test_contents_arrive_whole_over_tcp() -> None:
    seen = []
    data = bytes(range(256)) * 3000
    address, thread = served(lambda contents: seen.append(contents) or b"stream: OK\0")  # type: ignore[func-returns-value]
    assert virus(address, in_memory("a", data)) is None
    thread.join()
    assert seen == [data]


@pytest.mark.parametrize(
    ("answer", "code"),
    [(b"INSTREAM size limit exceeded. ERROR\0", "clamav_too_large"), (b"stream: Can't open file ERROR\0", "clamav_failed")],
)
def test_errors_of_the_daemon_are_reasons(answer: bytes, code: str) -> None:
    address, thread = served(lambda contents: answer)
    with pytest.raises(Unreadable, match=code):
        virus(address, in_memory("a", b"x"))
    thread.join()


def test_daemon_that_hangs_up_is_unavailable() -> None:
    address, thread = served(lambda contents: b"")
    with pytest.raises(Unavailable):
        virus(address, in_memory("a", b"x"))
    thread.join()


def test_daemon_that_is_down_is_unavailable(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for address in (f"tcp://127.0.0.1:{port}", f"unix:{tmp_path}/none.sock"):
        with pytest.raises(Unavailable):
            virus(address, in_memory("a", b"x"))
