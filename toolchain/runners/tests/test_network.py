"""The way to package indexes: what the proxy passes on and what it refuses, by itself and out of a sandbox."""

import asyncio
import http.server
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from toolchain.runners.base import Mount, RunnerError, RunSpec
from toolchain.runners.local import LocalRunner
from toolchain.runners.network import Indexes
from toolchain.runners.network.indexes import is_private
from toolchain.runners.network.proxy import serve
from toolchain.runners.sandbox import Level
from toolchain.runners.tests.programs import PYTHON, PYTHON_MOUNTS, ended, log, new_key, output, small, until


@contextmanager
def index(root):
    """A package index on this machine; yields its port."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *given):
            super().__init__(*given, directory=str(root))

        def log_message(self, *_given):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def asked(path, request, indexes, proxies=None):
    """The whole answer of the proxy to the bytes of a request."""

    async def ask():
        async with await serve(path, indexes, proxies=proxies or {}):
            reader, writer = await asyncio.open_unix_connection(str(path))
            writer.write(request)
            answer = await reader.read()
            writer.close()
            return answer.decode()

    return asyncio.run(asyncio.wait_for(ask(), 30))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "index.sock"


def test_a_tunnel_leads_to_an_index(tmp_path, path):
    (tmp_path / "page").write_text("hello")
    with index(tmp_path) as port:
        request = f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\nGET /page HTTP/1.0\r\n\r\n".encode()
        answer = asked(path, request, Indexes(urls=(f"http://127.0.0.1:{port}/simple",)))
    assert answer.startswith("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.0 200 OK")
    assert answer.endswith("hello")


def test_a_plain_request_is_passed_on_with_the_host_it_names(tmp_path, path):
    (tmp_path / "page").write_text("hello")
    with index(tmp_path) as port:
        request = f"GET http://127.0.0.1:{port}/page HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: x\r\n\r\n".encode()
        answer = asked(path, request, Indexes(urls=(f"http://127.0.0.1:{port}/simple",)))
    assert "200 OK" in answer
    assert answer.endswith("hello")


@pytest.mark.parametrize(
    "target", ["example.com:443", "pypi.org:80", "pypi.org:22", "127.0.0.1:443", "[::1]:443", "169.254.169.254:80", "PYPI.ORG.evil.com:443"]
)
def test_other_hosts_and_ports_are_refused(path, target):
    answer = asked(path, f"CONNECT {target} HTTP/1.1\r\n\r\n".encode(), Indexes())
    assert answer.startswith("HTTP/1.1 403 Forbidden\r\n")
    assert "is not one of the package indexes of this gallery." in answer


@pytest.mark.parametrize(
    "request_line",
    ["GET / HTTP/1.1", "GET file:///etc/passwd HTTP/1.1", "CONNECT pypi.org HTTP/1.1", "CONNECT a@pypi.org:443 HTTP/1.1", "nonsense", "GET http://[ HTTP/1.1"],
)  # fmt: skip
def test_what_is_no_request_to_a_proxy_is_refused(path, request_line):
    assert asked(path, f"{request_line}\r\n\r\n".encode(), Indexes()).startswith("HTTP/1.1 400 Bad Request\r\n")


def test_an_endless_head_is_refused(path):
    assert asked(path, b"GET http://pypi.org/ HTTP/1.1\r\nX: " + b"x" * 100_000, Indexes()).startswith("HTTP/1.1 431 ")


def test_a_name_that_leads_into_a_private_network_is_refused(tmp_path, path):
    (tmp_path / "page").write_text("private")
    with index(tmp_path) as port:
        # A way to write 127.0.0.1 that is a name to us and an address to the system.
        request = f"GET http://127.1:{port}/page HTTP/1.1\r\n\r\n".encode()
        urls = (f"http://127.1:{port}/simple",)
        assert "has an address of a private network" in asked(path, request, Indexes(urls=urls))
        assert asked(path, request, Indexes(urls=urls, private=("127.1",))).endswith("private")


def test_an_index_that_does_not_answer_is_said_so(path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        answer = asked(path, f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\n\r\n".encode(), Indexes(urls=(f"http://127.0.0.1:{port}/",)))
    assert answer.startswith("HTTP/1.1 502 Bad Gateway\r\n")
    assert "127.0.0.1 cannot be reached" in answer


@contextmanager
def further_proxy(port, heads):
    """A proxy that leads to one port, whatever is asked for, and notes what was; yields its address."""

    def work(server):
        while True:
            try:
                caller, _ = server.accept()
            except OSError:
                return
            with caller, socket.create_connection(("127.0.0.1", port)) as there:
                heads.append(caller.recv(10_000).decode())
                caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n" if "refuse" not in heads[-1] else b"HTTP/1.1 407 Who are you\r\n\r\n")
                if "refuse" not in heads[-1]:
                    there.sendall(caller.recv(10_000))
                    while piece := there.recv(10_000):
                        caller.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=work, args=(server,), daemon=True).start()
        yield f"http://us:p%40ss@127.0.0.1:{server.getsockname()[1]}"


def test_the_proxy_of_this_machine_is_used(tmp_path, path):
    (tmp_path / "page").write_text("hello")
    heads = []
    with index(tmp_path) as port, further_proxy(port, heads) as further:
        request = b"GET http://index.example/page HTTP/1.1\r\n\r\n"
        indexes = Indexes(urls=("http://index.example/simple", "http://refuse.example/simple"))
        assert asked(path, request, indexes, {"http": further}).endswith("hello")
        assert "does not lead to refuse.example: HTTP/1.1 407" in asked(
            path, request.replace(b"index", b"refuse"), indexes, {"all": further}
        )
        assert "index.example was not found" in asked(path, request, indexes, {"http": further, "no": "example"})
        assert asked(path, request.replace(b"index", b"other"), indexes, {"http": further}).startswith("HTTP/1.1 403 ")
    assert heads[0] == "CONNECT index.example:80 HTTP/1.1\r\nHost: index.example:80\r\nProxy-Authorization: Basic dXM6cEBzcw==\r\n\r\n"
    assert len(heads) == 2


def test_hosts_follow_from_the_addresses():
    indexes = Indexes(
        urls=("https://pypi.org/simple", "http://Mirror.example:8081/x"), find_links=("https://a.example/w",), hosts=("b.example", "c:81")
    )
    assert indexes.reachable == {
        ("pypi.org", 443), ("files.pythonhosted.org", 443), ("mirror.example", 8081), ("a.example", 443), ("b.example", 443), ("c", 81),
    }  # fmt: skip


def test_folders_among_the_addresses_are_mounted():
    indexes = Indexes(
        urls=("file:///srv/my%20index/simple", "https://pypi.org/simple"), find_links=("/srv/wheels", "file://localhost/srv/more")
    )
    assert [mount.target for mount in indexes.mounts()] == ["/srv/my index", "/srv/wheels", "/srv/more"]
    assert not any(mount.writable for mount in indexes.mounts())
    with pytest.raises(RunnerError):
        Indexes(urls=("ftp://example.com/simple",)).mounts()


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("172.31.0.1", True), ("192.168.0.1", True), ("169.254.169.254", True), ("100.64.0.1", True),
        ("0.0.0.0", True), ("255.255.255.255", True), ("::1", True), ("fd00::1", True), ("fe80::1%eth0", True), ("::ffff:10.0.0.1", True),
        ("64:ff9b::7f00:1", True), ("2002:7f00:1::", True), ("151.101.0.223", False), ("172.32.0.1", False), ("2a04:4e42::223", False),
        ("203.0.113.80", False), ("64:ff9b::9765:df", False),
    ],
)  # fmt: skip
def test_private_addresses_are_known_in_every_dress(address, private):
    assert is_private(address) is private


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    root = tmp_path_factory.mktemp("index")
    (root / "page").write_text("hello")
    with index(root) as port:
        yield LocalRunner(tmp_path_factory.mktemp("n"), level=Level.BUBBLEWRAP, index=Indexes(urls=(f"http://127.0.0.1:{port}/simple",)))


def run(runner, code, network="index"):
    key = new_key()
    runner.start(RunSpec((PYTHON, "-I", "-c", code), {}, PYTHON_MOUNTS, limits=small(), network=network), key)
    return ended(runner, key), log(runner, key)


FETCH = "import urllib.request as u\ntry:\n    print(u.urlopen({address!r}, timeout=20).read().decode())\nexcept Exception as error:\n    print(error)"


def test_a_run_reaches_the_index_and_nothing_else(runner):
    address = runner.index.urls[0].replace("simple", "page")
    assert run(runner, FETCH.format(address=address))[1] == "hello\n"
    assert "403" in run(runner, FETCH.format(address="http://127.0.0.1:9/page"))[1]
    assert "refused" in run(runner, FETCH.format(address=address), network="none")[1]
    direct = f"import socket\ntry:\n    socket.create_connection(('127.0.0.1', {address.split(':')[2].split('/')[0]}), 5)\nexcept OSError as e:\n    print(e)"
    assert "refused" in run(runner, direct)[1]


def test_the_bridge_passes_exit_code_and_arguments_on(runner):
    exit, text = run(runner, "import os, sys\nprint(os.environ['HTTPS_PROXY'], flush=True)\nsys.exit(7)")
    assert (exit.code, text) == (7, "http://127.0.0.1:3128\n")


def test_a_program_on_a_port_can_be_called_once_it_listens(runner):
    key = new_key()
    mount = output(runner, key)
    code = """
import http.server, os, time
while not os.path.exists("/out/go"):
    time.sleep(0.02)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"from inside")
http.server.ThreadingHTTPServer(("127.0.0.1", 7860), Handler).serve_forever()
"""
    runner.start(RunSpec((PYTHON, "-I", "-c", code), {}, (*PYTHON_MOUNTS, mount), limits=small(), listen=7860), key)
    until(lambda: (found := runner.look(key).beat) and found.processes >= 2)
    assert runner.look(key).address == ""
    (Path(mount.source) / "go").touch()
    address = until(lambda: runner.look(key).address)
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(20)
            client.connect(address.removeprefix("unix:"))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b""
            while piece := client.recv(1000):
                answer += piece
        assert answer.endswith(b"from inside")
    runner.stop(key)
    ended(runner, key)
    assert runner.look(key).address == ""


def test_folders_of_packages_are_seen_at_their_own_path(runner, tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "simple").mkdir()
    (tmp_path / "files").write_text("wheel")
    local = LocalRunner(runner.base, level=Level.BUBBLEWRAP, index=Indexes(urls=(f"file://{tmp_path}/simple",)))
    assert run(local, f"print(open('{tmp_path}/files').read())")[1] == "wheel\n"


def test_a_run_that_wants_packages_needs_an_index(runner):
    plain = LocalRunner(runner.base, level=Level.BUBBLEWRAP)
    key = new_key()
    plain.start(RunSpec(("true",), mounts=(Mount("/usr", "/usr"),), network="index"), key)
    assert ended(plain, key).detail == "This runner has no package index to reach."
