"""What a custom model takes and gives, over a real socket."""

import base64
import io
import json
import threading
from collections.abc import Iterator

import pytest
from PIL import Image

from toolchain.inference.tests.replicas import Replica, model, serving

SCRIPT = '''
import os
from dataclasses import dataclass
import numpy
from PIL import Image
from tools import double
from .tools import double as again

@dataclass
class Box:
    left: int
    label: str

class Refused(Exception):
    status_code = 422

class Model:
    """Says things back."""

    def __init__(self):
        self.name = os.path.basename(os.environ["ENV_AG_MODEL_DIR"])
        self.calls = 0

    def __call__(self, inputs, scale: float = 1.0, **params):
        """Answers what it is asked for."""
        self.calls += 1
        if isinstance(inputs, bytes):
            return {"bytes": len(inputs), "name": inputs.name, "type": inputs.content_type, "params": params, "scale": scale}
        if isinstance(inputs, dict) and "image" in inputs:
            return {"fields": sorted(inputs), "sizes": [len(each) for each in inputs["image"]]}
        return getattr(self, inputs)(params) if isinstance(inputs, str) and hasattr(self, inputs) else {"said": inputs, "params": params}

    def whoami(self, params):
        return [self.name, double(2), again(3), open("tools.py").read()[:3]]

    def arrays(self, params):
        return {"scalar": numpy.float32(0.5), "array": numpy.arange(3), "nan": [float("nan"), numpy.inf], "box": Box(1, "cat"), "set": {1}}

    def picture(self, params):
        return Image.new("RGB", (3, 2), "red")

    def pictures(self, params):
        return [{"image": self.picture(params)}]

    def raw(self, params):
        return b"\\x89PNG\\r\\n\\x1a\\n rest"

    def words(self, params):
        return (word for word in ["one ", "two ", "三"])

    def rows(self, params):
        return iter([{"n": numpy.int64(1)}, {"n": 2}])

    def parts(self, params):
        return iter([b"ab", b"cd"])

    def nothing(self, params):
        return iter([])

    def breaks(self, params):
        yield "one"
        raise ValueError("no more")

    def fails(self, params):
        return [][0]

    def refuses(self, params):
        raise Refused("The picture is too small.")

    def leaves(self, params):
        raise SystemExit("bye")

    def strange(self, params):
        return {"deep": [object()]}

    def loops(self, params):
        found = []
        found.append(found)
        return found
'''


@pytest.fixture(scope="module")
def replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Replica]:
    folder = model(tmp_path_factory.mktemp("models") / "ada--cats", inference=SCRIPT, tools="def double(n):\n    return 2 * n\n")
    with serving("custom", "--max-body", "200000", model=folder) as found:
        yield found


def form(*parts: tuple[str, str | None, bytes]) -> tuple[bytes, str]:
    """Return a form with parts of field, file name and bytes, and its content type."""
    body = b""
    for field, name, data in parts:
        file = f'; filename="{name}"\r\nContent-Type: image/png' if name else ""
        body += f'--xyz\r\nContent-Disposition: form-data; name="{field}"{file}\r\n\r\n'.encode() + data + b"\r\n"
    return body + b"--xyz--\r\n", "multipart/form-data; boundary=xyz"


def test_json_is_the_inputs(replica: Replica) -> None:
    assert replica.post([1, {"a": None}]).json == {"said": [1, {"a": None}], "params": {}}
    assert replica.post({"text": "喵"}, "/").json == {"said": {"text": "喵"}, "params": {}}


def test_an_envelope_brings_parameters(replica: Replica) -> None:
    assert replica.post({"inputs": {"a": 1}, "parameters": {"top_k": 3}}).json == {"said": {"a": 1}, "params": {"top_k": 3}}
    assert replica.post({"inputs": 1, "parameters": {"top_k": 3}}, "/predict?top_k=1&mode=fast").json["params"] == {
        "top_k": 3,
        "mode": "fast",
    }


def test_what_stands_beside_the_inputs_is_refused(replica: Replica) -> None:
    reply = replica.post({"inputs": 1, "top_k": 3})
    assert (reply.status, reply.code, reply.json["error"]["param"]) == (400, "key_unknown", "top_k")
    assert replica.post({"inputs": 1, "parameters": [1]}).code == "parameters_invalid"


def test_parameters_that_do_not_fit_are_the_requests_fault(replica: Replica) -> None:
    reply = replica.post({"inputs": 1, "parameters": {"inputs": 2}})
    assert (reply.status, reply.code) == (400, "parameters_invalid")


def test_a_body_is_a_file(replica: Replica) -> None:
    said = replica.ask("POST", "/predict?scale=0.5&mode=fast&tag=%E5%96%B5", b"\x00\xff", Content_Type="image/png; q=1").json
    assert said == {"bytes": 2, "name": "", "type": "image/png", "params": {"mode": "fast", "tag": "喵"}, "scale": 0.5}


def test_a_form_with_one_file(replica: Replica) -> None:
    data = b"\r\n--xy\r\n\x00\xff--xyz\r\n" * 3
    body, kind = form(("file", "cat.png", data), ("scale", None, b"2"), ("parameters", None, b'{"mode": "a"}'))
    said = replica.ask("POST", "/predict", body, Content_Type=kind).json
    assert said == {"bytes": len(data), "name": "cat.png", "type": "image/png", "params": {"mode": "a"}, "scale": 2}


def test_a_form_with_several_files_and_inputs(replica: Replica) -> None:
    body, kind = form(("image", "a.png", b"1"), ("image", "b.png", b"22"), ("inputs", None, b'{"threshold": 0.5}'))
    assert replica.ask("POST", "/predict", body, Content_Type=kind).json == {"fields": ["image", "threshold"], "sizes": [1, 2]}


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{", "application/json", 400, "json_invalid"),
        (b"[" * 100_000, "application/json", 400, "json_invalid"),
        (b'{"inputs": 1}', "application/x-www-form-urlencoded", 415, "media_type"),
        (b"x", "", 415, "media_type"),
        (b"--xyz\r\n\r\n", "multipart/form-data; boundary=xyz", 400, "form_invalid"),
        (b"--xyz--\r\n", "multipart/form-data", 400, "form_invalid"),
        (b"--xyz--\r\n", "multipart/form-data; boundary=xyz", 400, "inputs_missing"),
    ],
)
def test_bodies_that_cannot_be_read(replica: Replica, body: bytes, kind: str, status: int, code: str) -> None:
    reply = replica.ask("POST", "/predict", body, **({"Content_Type": kind} if kind else {}))
    assert (reply.status, reply.code) == (status, code)


def test_the_script_runs_in_its_folder_with_its_neighbours(replica: Replica) -> None:
    assert replica.post("whoami").json == ["ada--cats", 4, 6, "def"]


def test_arrays_scalars_and_classes_become_json(replica: Replica) -> None:
    said = replica.post("arrays").json
    assert said == {"scalar": 0.5, "array": [0, 1, 2], "nan": [None, None], "box": {"left": 1, "label": "cat"}, "set": [1]}


def test_a_picture_is_sent_as_a_file(replica: Replica) -> None:
    reply = replica.post("picture")
    assert reply.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(reply.body)).size == (3, 2)
    assert replica.post("raw").headers["content-type"] == "image/png"


def test_a_client_that_wants_json_gets_files_in_it(replica: Replica) -> None:
    said = replica.post("picture", Accept="application/json").json
    assert said["content_type"] == "image/png"
    assert Image.open(io.BytesIO(base64.b64decode(said["data"]))).size == (3, 2)
    assert replica.post("pictures").json == [{"image": said}]


def test_text_comes_in_pieces(replica: Replica) -> None:
    reply = replica.post("words")
    assert (reply.headers["content-type"], reply.body.decode()) == ("text/plain; charset=utf-8", "one two 三")
    assert reply.headers["transfer-encoding"] == "chunked"


def test_pieces_as_events(replica: Replica) -> None:
    reply = replica.post("words", Accept="text/event-stream")
    assert reply.body.decode() == 'data: "one "\n\ndata: "two "\n\ndata: "三"\n\ndata: [DONE]\n\n'
    assert replica.post("rows", Accept="text/event-stream").body == b'data: {"n": 1}\n\ndata: {"n": 2}\n\ndata: [DONE]\n\n'


def test_pieces_as_lines_files_and_one_list(replica: Replica) -> None:
    assert replica.post("rows").body == b'{"n": 1}\n{"n": 2}\n'
    assert replica.post("parts").body == b"abcd"
    assert replica.post("nothing").body == b""
    assert replica.post("rows", Accept="application/json").json == [{"n": 1}, {"n": 2}]
    assert replica.post("words", Accept="application/json").json == ["one ", "two ", "三"]


def test_a_stream_that_breaks_says_so(replica: Replica) -> None:
    events = replica.post("breaks", Accept="text/event-stream").body.decode().split("\n\n")
    assert events[0] == 'data: "one"'
    assert json.loads(events[1].removeprefix("event: error\ndata: "))["error"]["message"] == "ValueError: no more"
    with pytest.raises(Exception, match="IncompleteRead"):
        replica.post("breaks")
    reply = replica.post("breaks", Accept="application/json")
    assert (reply.status, reply.code) == (500, "model_error")


@pytest.mark.parametrize(
    ("asked", "status", "code", "message"),
    [
        ("fails", 500, "model_error", "IndexError: list index out of range"),
        ("refuses", 422, "request_refused", "Refused: The picture is too small."),
        ("leaves", 500, "model_error", "SystemExit: bye"),
        ("strange", 500, "result_invalid", "The result holds object at .deep[0], which has no JSON. Return lists, text and numbers."),
        ("loops", 500, "result_invalid", "The result is nested too deeply, or holds itself."),
    ],
)
def test_a_failure_is_the_answer_of_its_request(replica: Replica, asked: str, status: int, code: str, message: str) -> None:
    reply = replica.post(asked)
    assert (reply.status, reply.code, reply.json["error"]["message"]) == (status, code, message)
    assert replica.get("/health")["restarts"] == 0
    assert "Traceback (most recent call last)" in replica.log()


def test_metadata_describes_the_call(replica: Replica) -> None:
    assert replica.get("/metadata") == {
        "form": "class",
        "name": "Model",
        "init": "__init__",
        "call": "__call__",
        "signature": "(inputs, scale: float = 1.0, **params)",
        "parameters": [{"name": "scale", "default": 1.0, "type": "float"}],
        "any_parameter": True,
        "documentation": "Answers what it is asked for.",
    }


def test_addresses_and_methods(replica: Replica) -> None:
    assert (replica.ask("GET", "/nowhere").status, replica.ask("GET", "/nowhere").code) == (404, "not_found")
    reply = replica.ask("GET", "/predict")
    assert (reply.status, reply.code, reply.headers["allow"]) == (405, "method_not_allowed", "POST")
    assert replica.ask("HEAD", "/health").body == b""


def test_a_body_above_the_limit_is_refused(replica: Replica) -> None:
    reply = replica.ask("POST", "/predict", b"x" * 200_001, Content_Type="image/png")
    assert (reply.status, reply.code) == (413, "body_too_large")
    with replica.raw(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n30d41\r\n") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


def test_chunks_expectation_and_the_identifier_of_a_request(replica: Replica) -> None:
    head = b"POST / HTTP/1.1\r\nX-Request-ID: abc\r\nExpect: 100-continue\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with replica.raw(head) as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"2;x=y\r\n[1\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n")
        answer = connection.recv(1000).decode()
    assert "X-Request-ID: abc\r\n" in answer
    assert answer.endswith('{"said": [1], "params": {}}')


@pytest.mark.parametrize(
    "data",
    [
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nName : x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_no_http_is_refused(replica: Replica, data: bytes) -> None:
    with replica.raw(data) as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_connections_are_kept(replica: Replica) -> None:
    with replica.raw(b"GET /health HTTP/1.1\r\n\r\nGET /health HTTP/1.1\r\nConnection: close\r\n\r\n") as connection:
        data = b""
        while piece := connection.recv(1000):
            data += piece
    assert data.count(b"HTTP/1.1 200 OK") == 2


@pytest.mark.parametrize("rest", [b"x" * 70_000 + b"\r\n\r\n", b"x" * (2 << 20)])
def test_a_head_that_is_too_large_is_refused(replica: Replica, rest: bytes) -> None:
    with replica.raw(b"GET / HTTP/1.1\r\nX: ") as connection:
        sending = threading.Thread(target=connection.sendall, args=(rest,), daemon=True)
        sending.start()
        assert connection.recv(100).startswith(b"HTTP/1.1 431 ")
        sending.join()
