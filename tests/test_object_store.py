"""The whole way of a file when large objects live in S3: the client talks to the store itself."""

import hashlib
import time
import urllib.request
from collections.abc import Iterator

import boto3
import pytest

from tests.live import Gallery, running

pytestmark = [pytest.mark.process, pytest.mark.slow]

MIB = 1 << 20


@pytest.fixture(scope="module")
def gallery() -> Iterator[Gallery]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", **keys).create_bucket(Bucket="weights")
    environment = {"BLOB_STORE": f"s3://weights?endpoint={endpoint}", "S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret"}
    with running(UPLOAD_PART_SIZE="8MiB", **environment) as started:
        yield started
    server.stop()


def test_file_goes_to_the_store_and_comes_from_it(gallery: Gallery) -> None:
    api = gallery.create("stored")
    data = b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(20 * MIB // 32))
    digest = hashlib.sha256(data).hexdigest()
    [begun] = gallery.call("POST", f"{api}/uploads", {"files": [{"path": "w.bin", "size": len(data), "sha256": digest}]})["uploads"]
    address = f"{api}/uploads/{begun['id']}"
    confirm = []
    for part in gallery.call("POST", f"{address}/parts", {"numbers": begun["missing"]})["addresses"]:
        assert part["confirm"] and not part["url"].startswith(("/", gallery.url))
        piece = data[part["offset"] : part["offset"] + part["length"]]
        headers = {"Content-Type": "application/octet-stream", **part["headers"]}
        with urllib.request.urlopen(urllib.request.Request(part["url"], data=piece, method="PUT", headers=headers)) as answer:
            confirm.append({"number": part["number"], "sha256": hashlib.sha256(piece).hexdigest(), "etag": answer.headers["ETag"]})
    gallery.call("POST", f"{address}/parts", {"confirm": confirm})
    state = gallery.call("POST", f"{address}/finish")
    while state["state"] == "finishing":
        time.sleep(0.1)
        state = gallery.call("GET", address)
    assert (state["state"], state["sha256"]) == ("finished", digest)

    operations = [{"op": "put", "path": "w.bin", "upload": begun["id"]}]
    gallery.call("POST", f"{api}/commits", {"branch": "main", "message": "weights", "operations": operations})
    with urllib.request.urlopen(f"{gallery.url}/models/bench/stored/resolve/main/w.bin") as answer:
        assert not answer.url.startswith(gallery.url)
        assert hashlib.sha256(answer.read()).hexdigest() == digest
    again = gallery.call("POST", f"{api}/uploads", {"files": [{"path": "copy.bin", "size": len(data), "sha256": digest}]})["uploads"][0]
    assert again["stored"]
