"""Container images on a Ray cluster, up to the command that starts a container: there is no container engine here.

In the place of `podman` stands a program that runs the same command without a container.
"""

import dataclasses
import json
import shutil
import socket
import sys
import tempfile
from pathlib import Path

import pytest

from toolchain.runners.base import Mount, Reason, Replicas, RunnerError, RunSpec
from toolchain.runners.ray.runner import RayRunner
from toolchain.runners.tests.programs import ended, log, new_key, output, run, shell, started, until
from toolchain.runners.tests.serving import ask

pytestmark = pytest.mark.process

IMAGE = "registry.example.com:5000/team/trainer:1"
PODMAN = f"""#!{sys.executable}
import json, os, pathlib, sys
arguments = sys.argv[1:]
place = arguments.index("{IMAGE}")
options, inside = arguments[:place], arguments[place + 1:]
for name, value in zip(options, options[1:]):
    if name == "--env":
        os.environ.__setitem__(*value.split("=", 1))
if "--entrypoint" in options:
    pathlib.Path(__file__).with_name("started.json").write_text(json.dumps(options))
    os.execvp("python", ["python", *inside])
shared = options[options.index("-v") + 1].split(":")[0]
os.execvp("python", ["python", "-c", inside[2].replace("/shared", shared)])
"""


@pytest.fixture
def podman(ray_cluster):
    """The stand-in for podman; returns the file with the options of the last container."""
    program = ray_cluster.programs / "podman"
    program.write_text(PODMAN)
    program.chmod(0o755)
    yield program.with_name("started.json")
    shutil.rmtree(program.parent)
    program.parent.mkdir()


@pytest.fixture(scope="module")
def runner(ray_cluster):
    with tempfile.TemporaryDirectory(prefix="gray-") as folder:
        yield RayRunner(Path(folder), ray_cluster.address, ray_cluster.token, port=ray_cluster.serve)


def test_an_image_is_run_with_the_mounts_and_limits_of_the_run(runner, podman):
    key = new_key()
    mount = output(runner, key)
    spec = shell('echo "hello $GREETING"; echo made > made; exit 4', Mount("/usr", "/in $(touch it)"), memory=300 << 20)
    mounts = (*spec.mounts, dataclasses.replace(mount, target=mount.source))
    runner.start(dataclasses.replace(spec, image=IMAGE, environment={"GREETING": "you"}, mounts=mounts, folder=mount.source), key)
    exit = ended(runner, key)
    assert (exit.code, exit.reason, log(runner, key)) == (4, None, "hello you\n")
    assert (Path(mount.source) / "made").read_text() == "made\n"
    options = json.loads(podman.read_text())
    assert "--volume=/usr:/in $(touch it):ro" in options
    assert f"--volume={mount.source}:{mount.source}:rw" in options
    assert {"--memory=314572800", "--cpus=1", "--pids-limit=320", "--cap-drop=all", "--security-opt=no-new-privileges"} <= set(options)


def test_a_run_in_an_image_is_stopped(runner, podman):
    spec = shell("trap 'echo saved; exit 5' TERM; echo ready; while :; do sleep 0.1; done")
    key = started(runner, dataclasses.replace(spec, image=IMAGE), "ready")
    runner.stop(key)
    exit = ended(runner, key)
    assert (exit.code, exit.reason) == (5, Reason.STOPPED)
    assert log(runner, key).endswith("saved\n")


def test_an_image_that_cannot_be_had_is_refused_with_the_reason(runner):
    exit, _text = run(runner, dataclasses.replace(shell("true"), image=IMAGE))
    assert exit.reason == Reason.REFUSED
    assert "podman" in exit.detail


def test_what_is_no_image_is_refused(runner):
    for image in ("image; reboot", "-v", "$(id)", "a b"):
        with pytest.raises(RunnerError) as refused:
            runner.start(dataclasses.replace(shell("true"), image=image), new_key())
        assert refused.value.code == "bad_image"
    with pytest.raises(RunnerError) as refused:
        runner.start(dataclasses.replace(shell("true"), image=IMAGE, listen="/run/s.sock"), new_key())
    assert refused.value.code == "no_containers"


SERVER = """
import http.server, os, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{os.environ['GREETING']} {self.path}".encode())

signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(print("goodbye", flush=True) or 0))
print("listening", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def serving(port: int) -> RunSpec:
    """Return a service in an image that listens on a port."""
    spec = dataclasses.replace(shell(""), argv=("python", "-c", SERVER, str(port)), image=IMAGE, environment={"GREETING": "hello"})
    limits = dataclasses.replace(spec.limits, cpus=0.5, wall=None, grace=5)
    return dataclasses.replace(spec, listen=port, limits=limits, replicas=Replicas(ready="/health"))


def test_an_image_serves_on_its_port_and_is_stopped_in_order(runner, podman):
    key, port = new_key(), free_port()
    runner.start(serving(port), key)
    address = until(lambda: runner.look(key).address)
    assert ask(address, "/predict").text == "hello /predict"
    assert "--cap-drop=all" in json.loads(podman.read_text())
    runner.stop(key)
    exit = ended(runner, key)
    assert exit.reason == Reason.STOPPED
    assert log(runner, key).endswith("goodbye\n")


def test_an_image_whose_port_somebody_else_has_is_refused(runner, podman):
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        key = new_key()
        runner.start(serving(other.getsockname()[1]), key)
        exit = ended(runner, key)
    assert exit.reason == Reason.REFUSED
    assert exit.detail.startswith("Another program of this machine has the port ")
    assert not podman.exists()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])
