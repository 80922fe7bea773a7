"""What serving costs: a model called directly beside the same model behind its server, and texts alone beside texts in one batch.

    python benchmarks/serving.py --python PATH [--requests 2000] [--width 512] [--layers 8] [--tokens 64] [--threads 1]

PATH is the interpreter of a base environment (`manage.py environment build current` makes one). The model is a random Llama of the size asked for.
Goals: a call costs 1 ms more than the model itself; a batch of 8 writes at least 3 times the tokens of one text after the other.
"""

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from gallery import table

from toolchain.inference.tests.replicas import Replica, model, serving
from toolchain.tests.documented import tiny

SCRIPT = "class Model:\n    def __init__(self): pass\n    def __call__(self, inputs, **params): return inputs\n"
ECHO = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from inference import Model
call, body, times = Model(), sys.argv[3], []
for _ in range(int(sys.argv[2])):
    start = time.perf_counter()
    json.dumps(call(json.loads(body)))
    times.append(time.perf_counter() - start)
print(json.dumps(times))
"""
MAKE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import tiny
tiny.writer(Path(sys.argv[1]))
from transformers import AutoConfig, AutoModelForCausalLM
width, layers = int(sys.argv[3]), int(sys.argv[4])
config = AutoConfig.from_pretrained(sys.argv[1], hidden_size=width, intermediate_size=3 * width, num_hidden_layers=layers,
    num_attention_heads=8, num_key_value_heads=8, head_dim=width // 8, max_position_embeddings=1024)
AutoModelForCausalLM.from_config(config).save_pretrained(sys.argv[1])
"""
ALONE = """
import json, sys, time, torch
from transformers import AutoModelForCausalLM
torch.set_num_threads(int(sys.argv[3]))
model, most, times = AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval(), int(sys.argv[2]), []
ids = torch.tensor([list(range(5, 21))])
for tokens in (1, 1, 1, most, most, most):
    start = time.perf_counter()
    with torch.inference_mode():
        model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, pad_token_id=1)
    times.append(time.perf_counter() - start)
print(json.dumps([min(times[:3]), min(times[3:])]))
"""


class Connection(http.client.HTTPConnection):
    """A connection that is kept, as the gateway keeps them."""

    def __init__(self, path: str) -> None:
        super().__init__("replica", timeout=600)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)

    def post(self, path: str, value: object) -> tuple[float, float, bytes]:
        """Return the seconds to the first byte of the body and to the last, and the body."""
        start = time.perf_counter()
        self.request("POST", path, json.dumps(value).encode(), {"Content-Type": "application/json"})
        answer = self.getresponse()
        first = answer.read(1)
        begun = time.perf_counter() - start
        body = first + answer.read()
        return begun, time.perf_counter() - start, body


def milliseconds(times: list[float]) -> tuple[str, str]:
    """Return the median and the 99th of a hundred."""
    return f"{statistics.median(times) * 1000:.3f}", f"{statistics.quantiles(times, n=100)[98] * 1000:.3f}"


def custom(place: Path, python: str, requests: int) -> None:
    """Compare calls of a custom model that does nothing."""
    rows = []
    folder = model(place / "echo", inference=SCRIPT)
    with serving("custom", model=folder, python=python) as replica:
        connection = Connection(replica.socket)
        for label, body in (("100 bytes", ["x" * 96]), ("1 MB", ["x" * 1_000_000])):
            count = max(50, requests // (1 if label == "100 bytes" else 20))
            if label == "100 bytes":
                done = subprocess.run(
                    [python, "-c", ECHO, str(folder / "gallery_inference"), str(count), json.dumps(body)], capture_output=True, check=True
                )
                rows.append((f"{label}, called directly", *milliseconds(json.loads(done.stdout))))
            times = [connection.post("/predict", body)[1] for _ in range(count + 20)][20:]
            rows.append((f"{label}, through the server", *milliseconds(times)))
    table(f"A custom model that returns its inputs, {requests} calls (ms)", rows, ("", "median", "99 %"))


def written(replica: Replica, tokens: int, together: int, rounds: int) -> float:
    """Return the tokens each second of `together` texts at a time."""
    body = {"prompt": list(range(5, 21)), "max_tokens": tokens, "ignore_eos": True, "temperature": 0}

    def ask(_: int) -> None:
        Connection(replica.socket).post("/v1/completions", body)

    start = time.perf_counter()
    with ThreadPoolExecutor(together) as pool:
        list(pool.map(ask, range(together * rounds)))
    return together * rounds * tokens / (time.perf_counter() - start)


def engine(place: Path, python: str, options: argparse.Namespace) -> None:
    """Compare texts of the built-in engine with those of the library."""
    folder, tokens, threads = place / "llama", options.tokens, str(options.threads)
    folder.mkdir()
    quiet = {"PATH": os.environ["PATH"], "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": threads}
    home = str(Path(tiny.__file__).parent)
    sizes = [str(options.width), str(options.layers)]
    subprocess.run([python, "-c", MAKE, str(folder), home, *sizes], env=quiet, capture_output=True, check=True)
    size = (folder / "model.safetensors").stat().st_size / 4e6
    done = subprocess.run([python, "-c", ALONE, str(folder), str(tokens), threads], env=quiet, capture_output=True, check=True)
    first_alone, all_alone = json.loads(done.stdout)
    arguments = ["--model", str(folder), "--name", "m", "--threads", threads, "--timeout", "600", "--concurrency", "8"]
    with serving("transformers_engine", *arguments, model=folder, python=python, HF_HUB_OFFLINE="1", OMP_NUM_THREADS=threads) as replica:
        connection = Connection(replica.socket)
        body = {"prompt": list(range(5, 21)), "ignore_eos": True, "temperature": 0}
        firsts = [connection.post("/v1/completions", body | {"max_tokens": 1})[1] for _ in range(10)]
        whole = min(connection.post("/v1/completions", body | {"max_tokens": tokens})[1] for _ in range(3))
        one = written(replica, tokens, 1, 3)
        rows = [
            ("the library, one text", f"{first_alone * 1000:.1f}", f"{tokens / all_alone:.1f}", "1.0"),
            ("the engine, one text", f"{statistics.median(firsts) * 1000:.1f}", f"{tokens / whole:.1f}", f"{all_alone / whole:.1f}"),
        ]
        for together in (2, 4, 8):
            rate = written(replica, tokens, together, 2)
            rows.append((f"the engine, {together} at once", "", f"{rate:.1f}", f"{rate * all_alone / tokens:.1f}"))
        rows.append(("gain of 8 at once over one after the other", "", "", f"{rate / one:.1f}"))
    head = ("", "first token, ms", "tokens/s", "times the library")
    table(f"A Llama with {size:.0f} M parameters, {tokens} tokens, {threads} thread(s)", rows, head)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        custom(Path(name), options.python, options.requests)
        engine(Path(name), options.python, options)


if __name__ == "__main__":
    main()
