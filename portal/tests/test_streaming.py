"""Downloads and the database: a slow client holds no connection."""

import base64
import http.client
from collections.abc import Iterator

import pytest

from tests.live import Gallery, running

pytestmark = pytest.mark.process
SIZE = 24 << 20


@pytest.fixture(scope="module")
def gallery() -> Iterator[Gallery]:
    with running(WEB_WORKERS="1", DATABASE_POOL="2", WORKER_CONCURRENCY="1") as found:
        yield found


def test_slow_downloads_leave_the_database_to_others(gallery: Gallery) -> None:
    address = gallery.create("slow")
    content = base64.b64encode(bytes(SIZE)).decode()
    operations = [{"op": "put", "path": "weights.bin", "content": content, "encoding": "base64"}]
    gallery.call("POST", f"{address}/commits", {"branch": "main", "message": "weights", "operations": operations})
    slow: list[http.client.HTTPConnection] = []
    try:
        for _client in range(6):
            connection = gallery.connection()
            connection.request("GET", "/models/bench/slow/resolve/main/weights.bin")
            answer = connection.getresponse()
            assert (answer.status, answer.headers["Content-Length"]) == (200, str(SIZE))
            slow.append(connection)

        assert gallery.call("GET", address)["name"] == "slow"
        gallery.wait_until_ready()
    finally:
        for connection in slow:
            connection.close()
