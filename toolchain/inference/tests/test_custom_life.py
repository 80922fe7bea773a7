"""How a server of a custom model starts, survives its model, and ends."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from toolchain.inference.tests.replicas import Replica, model, request, serving, until

# A file is the signal for what waits, so that nothing here depends on how fast the machine is.
SCRIPT = """
import ctypes, mmap, os, signal, subprocess, sys, time
from pathlib import Path

def wait(name):
    while not Path(os.environ["HOME"], name).exists():
        time.sleep(0.01)

class Model:
    def __init__(self):
        self.closed = 0

    def __call__(self, inputs, **params):
        return getattr(self, inputs)(**params) if isinstance(inputs, str) and hasattr(self, inputs) else inputs

    def pid(self):
        return os.getpid()

    def wait(self, name):
        Path(os.environ["HOME"], f"{name}.begun").touch()
        wait(name)
        return name

    def exits(self):
        os._exit(7)

    def crashes(self):
        ctypes.string_at(0)

    def killed(self):
        os.kill(os.getpid(), signal.SIGKILL)

    def hoards(self):
        return len(bytearray(1 << 31))

    def shares(self):
        self.held = mmap.mmap(-1, 160 << 20)
        for place in range(0, 160 << 20, 4096):
            self.held[place] = 1
        time.sleep(100)

    def sleeps(self):
        time.sleep(100)

    def scribbles(self):
        for number in range(3, 20):
            try:
                os.write(number, b"x" * 12)
            except OSError:
                pass
        time.sleep(100)

    def leaves_a_child(self):
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"]).pid

    def endless(self):
        try:
            while True:
                yield "x" * 1000
        finally:
            self.closed += 1

    def count(self):
        return self.closed
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model(tmp_path_factory.mktemp("models"), inference=SCRIPT)


@pytest.fixture(scope="module")
def replica(folder: Path) -> Iterator[Replica]:
    with serving("custom", "--memory", str(144 << 20), model=folder) as found:
        yield found


def wait_for(name: str) -> dict[str, object]:
    return {"inputs": "wait", "parameters": {"name": name}}


def free(replica: Replica, name: str) -> None:
    (replica.folder / name).touch()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ("exits", "worker_crashed", "The model ended with exit code 7 while it answered. It was started again."),
        ("crashes", "worker_crashed", "The model ended with signal SIGSEGV while it answered. It was started again."),
        ("killed", "worker_killed", "The model was ended by signal SIGKILL, most likely because memory ran out. It was started again."),
        ("shares", "out_of_memory", "It was started again."),
        ("scribbles", "protocol", "The model wrote into the connection of its server. It was started again."),
    ],
)
def test_a_model_that_dies_fails_its_request_and_no_other(folder: Path, asked: str, code: str, message: str) -> None:
    with serving("custom", "--memory", str(144 << 20), model=folder) as replica:
        pid = replica.post("pid").json
        first = replica.later(wait_for("go"))
        until(lambda: (replica.folder / "go.begun").exists())
        failing = replica.later(asked)
        until(lambda: replica.get("/metrics")["waiting"] == 1)
        waiting = replica.later("pid")
        until(lambda: replica.get("/metrics")["waiting"] == 2)
        free(replica, "go")
        reply = failing()
        assert (first().json, reply.status, reply.code) == ("go", 500, code)
        assert reply.json["error"]["message"].endswith(message)
        assert (waiting().status, waiting().json != pid) == (200, True)
        assert replica.get("/health")["restarts"] == 1


def test_memory_that_cannot_be_had_is_an_exception(replica: Replica) -> None:
    pid = replica.post("pid").json
    reply = replica.post("hoards")
    assert (reply.status, reply.code) == (500, "out_of_memory")
    assert replica.post("pid").json == pid


def test_what_a_model_started_ends_with_it(replica: Replica) -> None:
    child = replica.post("leaves_a_child").json
    assert alive(child)
    replica.post("exits")
    until(lambda: not alive(child))


def test_a_model_that_does_not_return_is_started_again(folder: Path) -> None:
    with serving("custom", "--timeout", "1.5", model=folder) as replica:
        pid = replica.post("pid").json
        reply = replica.post("sleeps")
        assert (reply.status, reply.code) == (504, "timeout")
        assert reply.json["error"]["message"] == "The model did not answer within 1.5 seconds. It was started again."
        replica.wait("ready")
        assert replica.post("pid").json != pid
        # The gateway may have less time to wait than the service allows.
        started = time.monotonic()
        assert replica.post("sleeps", X_AG_Timeout="0.2").code == "timeout"
        assert time.monotonic() - started < 1.5
        assert not alive(pid)


def test_requests_beyond_the_queue_are_sent_away(folder: Path) -> None:
    with serving("custom", "--queue", "1", model=folder) as replica:
        first = replica.later(wait_for("go"))
        until(lambda: (replica.folder / "go.begun").exists())
        second = replica.later("pid")
        until(lambda: replica.get("/metrics")["waiting"] == 1)
        third = replica.post("pid")
        assert (third.status, third.code) == (429, "queue_full")
        assert 1 <= int(third.headers["retry-after"]) <= 60
        free(replica, "go")
        assert (first().json, second().status) == ("go", 200)
        counts = replica.get("/metrics")
        assert (counts["answers"], counts["errors"]) == ({"200": 2, "429": 1}, {"queue_full": 1})


def test_a_request_that_waits_too_long_for_its_turn_gives_up(folder: Path) -> None:
    with serving("custom", model=folder) as replica:
        first = replica.later(wait_for("go"))
        until(lambda: (replica.folder / "go.begun").exists())
        second = replica.post("pid", X_AG_Timeout="0.1")
        assert (second.status, second.code) == (503, "queue_timeout")
        free(replica, "go")
        assert first().json == "go"


def test_several_requests_at_once_where_the_service_says_so(folder: Path) -> None:
    with serving("custom", "--concurrency", "2", model=folder) as replica:
        replies = [replica.later(wait_for(name)) for name in ("a", "b")]
        for name in ("a", "b"):
            until(lambda name=name: (replica.folder / f"{name}.begun").exists())
        free(replica, "b")
        assert replies[1]().json == "b"
        free(replica, "a")
        assert replies[0]().json == "a"


def test_a_stream_stops_when_its_client_leaves(replica: Replica) -> None:
    before = replica.get("/metrics")["left"]
    connection = replica.raw(request("endless"))
    assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
    connection.close()
    until(lambda: replica.get("/metrics")["left"] == before + 1)
    assert until(lambda: replica.post("count").json) == 1


def test_a_waiting_request_of_a_client_who_left_is_never_run(folder: Path) -> None:
    with serving("custom", model=folder) as replica:
        first = replica.later(wait_for("go"))
        until(lambda: (replica.folder / "go.begun").exists())
        waiting = replica.raw(request(wait_for("never")))
        until(lambda: replica.get("/metrics")["waiting"] == 1)
        waiting.close()
        until(lambda: replica.get("/metrics")["waiting"] == 0)
        free(replica, "go")
        assert first().json == "go"
        assert replica.post("said").json == "said"
        assert not (replica.folder / "never.begun").exists()


def test_sigterm_lets_running_requests_end(folder: Path) -> None:
    with serving("custom", model=folder) as replica:
        running = replica.later(wait_for("go"))
        until(lambda: (replica.folder / "go.begun").exists())
        waiting = replica.later("pid")
        until(lambda: replica.get("/metrics")["waiting"] == 1)
        # The supervisor signals every process of the sandbox, the worker too.
        worker = int(Path(f"/proc/{replica.process.pid}/task/{replica.process.pid}/children").read_text().split()[0])
        os.kill(worker, signal.SIGTERM)
        replica.process.send_signal(signal.SIGTERM)
        until(lambda: not os.path.exists(replica.socket))
        free(replica, "go")
        assert (running().json, waiting().json) == ("go", worker)
        assert replica.process.wait(30) == 0
        assert json.loads(Path(f"{replica.socket}.json").read_text())["status"] == "stopping"
        assert not alive(worker)


def test_requests_that_do_not_end_in_the_grace_are_told(folder: Path) -> None:
    with serving("custom", "--grace", "0.1", model=folder) as replica:
        running = replica.later("sleeps")
        until(lambda: replica.get("/metrics")["running"] == 1)
        replica.process.send_signal(signal.SIGTERM)
        reply = running()
        assert (reply.status, reply.code) == (503, "stopping")
        assert replica.process.wait(30) == 0


def test_the_worker_does_not_outlive_its_server(folder: Path) -> None:
    with serving("custom", model=folder) as replica:
        pid = replica.post("pid").json
        replica.process.kill()
        replica.process.wait()
        until(lambda: not alive(pid))


@pytest.mark.parametrize(
    ("scripts", "code", "message"),
    [
        ({"other": ""}, "script_missing", "There is no gallery_inference/inference.py in the model."),
        ({"inference": "def f(:\n"}, "python_syntax", "Python cannot read inference.py, line 1: invalid syntax."),
        ({"inference": "import nowhere"}, "import_failed", "gallery_inference/inference.py cannot be imported: ModuleNotFoundError: No module named 'nowhere'"),
        ({"inference": "x = 1"}, "class_missing", "Nothing here serves requests. Define a class with __init__(self) and __call__(self, inputs, **params)."),
        (
            {"inference": "class Model:\n    def __init__(self):\n        raise OSError('no weights')\n    def __call__(self, inputs): pass"},
            "init_failed",
            "Model failed: OSError: no weights",
        ),
        (
            {"inference": "import os\nclass Model:\n    def __init__(self):\n        os._exit(5)\n    def __call__(self, inputs): pass"},
            "worker_crashed",
            "The model ended with exit code 5.",
        ),
    ],
)  # fmt: skip
def test_a_model_that_cannot_be_loaded_says_why(tmp_path: Path, scripts: dict[str, str], code: str, message: str) -> None:
    with serving("custom", "--linger", "0.3", model=model(tmp_path, **scripts), wait="") as replica:
        assert replica.process.wait(60) == 3
        said = json.loads(Path(f"{replica.socket}.json").read_text())
        assert (said["status"], said["code"], said["message"]) == ("failed", code, message)
        assert message in replica.log()


def test_the_health_of_a_server_that_failed_and_of_one_that_starts(tmp_path: Path) -> None:
    slow = "import os, time\nclass Model:\n    def __init__(self):\n        while not os.path.exists(os.environ['HOME'] + '/go'): time.sleep(0.01)\n        raise ValueError('broken')\n    def __call__(self, inputs): pass"  # noqa: E501
    with serving("custom", "--linger", "30", model=model(tmp_path, inference=slow), wait="starting") as replica:
        assert replica.ask("GET", "/health").status == 503
        reply = replica.post("x")
        assert (reply.status, reply.code, reply.headers["retry-after"]) == (503, "starting", "5")
        free(replica, "go")
        assert replica.wait("failed")["message"] == "Model failed: ValueError: broken"
        reply = replica.post("x")
        assert (reply.status, reply.code, reply.json["error"]["message"]) == (503, "init_failed", "Model failed: ValueError: broken")


def test_a_model_that_takes_too_long_to_load(tmp_path: Path) -> None:
    slow = "import time\nclass Model:\n    def __init__(self):\n        time.sleep(100)\n    def __call__(self, inputs): pass"
    with serving("custom", "--start-timeout", "0.5", model=model(tmp_path, inference=slow), wait="failed") as replica:
        assert replica.get("/health")["code"] == "start_timeout"


def test_functions_serve_as_well(tmp_path: Path) -> None:
    script = (
        'scale = 0\ndef init():\n    global scale\n    scale = 2\ndef call(inputs, **params):\n    "Doubles."\n    return inputs * scale\n'
    )
    with serving("custom", model=model(tmp_path, inference=script)) as replica:
        assert replica.post(21).json == 42
        assert replica.get("/metadata")["form"] == "functions"
