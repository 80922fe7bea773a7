"""What a Ray cluster is sent for a service, in the words of its REST interface."""

import dataclasses
import http.server
import json
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from toolchain.runners.base import Accelerators, Limits, Replicas, RunnerError, RunSpec
from toolchain.runners.ray.runner import RayRunner

SPEC = RunSpec(("python", "serve.py"), limits=Limits(cpus=2, memory=1 << 30), listen=8080, replicas=Replicas(ready="/health"))
NODE = {
    "node_name": "a", "node_ip": "10.0.0.1", "state": "ALIVE", "labels": {}, "resources_total": {"CPU": 8, "memory": 64 << 30, "GPU": 2, "NPU": 2},
}  # fmt: skip


class Head:
    """A dashboard of Ray that has one machine and takes every order; `sent` is what came, by path."""

    def __init__(self) -> None:
        self.sent: dict[str, Any] = {}
        head = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.answer({"data": {"result": {"result": [NODE]}}} if "nodes" in self.path else {"applications": {}, "proxies": {}})

            def do_PUT(self) -> None:
                head.sent[self.path] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                self.answer({})

            def answer(self, value: Any) -> None:
                body = json.dumps(value).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def head() -> Iterator[Head]:
    made = Head()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def base() -> Iterator[Path]:
    # Paths of sockets are short.
    with tempfile.TemporaryDirectory(prefix="gray-") as folder:
        yield Path(folder)


def ordered(head: Head, base: Path, spec: RunSpec) -> dict[str, Any]:
    """Return the deployment that a run asks for."""
    runner = RayRunner(base, head.address)
    runner.start(spec, "service-1-1")
    (body,) = head.sent.values()
    (application,) = body["applications"]
    assert application["args"]["folder"] == str(runner.folder("service-1-1"))
    (deployment,) = application["deployments"]
    return dict(deployment)


def test_a_service_in_an_image_has_its_port_of_a_machine_for_itself(head: Head, base: Path) -> None:
    image = dataclasses.replace(SPEC, image="registry.example.com/team/net:1")
    options = ordered(head, base, image)["ray_actor_options"]
    assert options == {"num_cpus": 2, "memory": 1 << 30, "resources": {"node:__internal_implicit_resource_port-8080": 1.0}}
    kept = json.loads((base / "service-1-1" / "spec.json").read_text())["spec"]
    assert (kept["image"], kept["listen"]) == ("registry.example.com/team/net:1", 8080)


def test_its_cards_are_asked_for_beside_the_port(head: Head, base: Path) -> None:
    image = dataclasses.replace(SPEC, image="registry.example.com/team/net:1", accelerators=Accelerators("npu", 2))
    assert ordered(head, base, image)["ray_actor_options"]["resources"] == {
        "NPU": 2.0,
        "node:__internal_implicit_resource_port-8080": 1.0,
    }


def test_a_service_of_a_script_shares_its_machine(head: Head, base: Path) -> None:
    assert "resources" not in ordered(head, base, SPEC)["ray_actor_options"]


def test_a_service_in_an_image_that_listens_on_a_socket_is_refused_before_anything_is_sent(head: Head, base: Path) -> None:
    with pytest.raises(RunnerError) as refused:
        RayRunner(base, head.address).start(dataclasses.replace(SPEC, image="registry.example.com/net:1", listen="/s.sock"), "service-1-1")
    assert (refused.value.code, head.sent) == ("no_containers", {})
