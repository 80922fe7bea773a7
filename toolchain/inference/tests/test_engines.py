"""Engines as data: what runs for a replica, which engine fits, and what is said when one cannot start."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from toolchain.environments.bases import BASES
from toolchain.environments.identity import interpreter, interpreter_mounts
from toolchain.inference import engines
from toolchain.inference.engines import CUSTOM, ENGINES, IMAGE, TRANSFORMERS, VLLM, Request, engines_for, failure, program, refusal
from toolchain.inference.offers import PACKAGES
from toolchain.inference.tests.replicas import Replica, model, until
from toolchain.runners.base import Limits, Mount, RunSpec, State
from toolchain.runners.local import LocalRunner

GENERATION, ANSWERS = "text-generation", "question-answering"


def asked(engine: str, **changes: Any) -> Request:
    plain = {"task": GENERATION, "python": "/e/bin/python", "model": "/m", "name": "tales", "socket": "/ag/run/s.sock", "cpus": 4}
    return Request(engine, **(plain | changes))


def test_the_built_in_engine() -> None:
    made = program(asked(TRANSFORMERS, memory=8 << 30, seconds=60, queue=10, concurrency=4, context=2048, aliases=("ada/tales",)))
    assert " ".join(made.argv) == (
        "/e/bin/python -m serving.transformers_engine --socket /ag/run/s.sock --timeout 60 --queue 10 --max-body 12582912 --grace 60 "
        "--memory 8589934592 --start-timeout 900 --concurrency 4 --threads 4 --model /m --name tales --name=ada/tales --task text-generation "
        "--context 2048"
    )
    assert made.mounts == (Mount(str(engines.SOURCE), "/gallery/serving"),)
    assert made.environment["PYTHONPATH"] == "/gallery"
    assert made.environment["OMP_NUM_THREADS"] == "4"
    assert made.listen == "/ag/run/s.sock"


def test_what_is_empty_is_left_out() -> None:
    argv = program(asked(TRANSFORMERS)).argv
    assert not {"--memory", "--context", "--base"} & set(argv)
    assert program(asked(TRANSFORMERS, base="/b")).argv[-2:] == ("--base", "/b")


def test_a_custom_model() -> None:
    made = program(asked(CUSTOM, task="custom", cpus=0.5, concurrency=8))
    assert " ".join(made.argv) == (
        "/e/bin/python -m serving.custom --socket /ag/run/s.sock --timeout 40 --queue 64 --max-body 12582912 --grace 40 "
        "--start-timeout 900 --concurrency 1"
    )
    assert made.environment["ENV_AG_MODEL_DIR"] == "/m"
    assert made.environment["OMP_NUM_THREADS"] == "1"


def test_vllm_on_cards() -> None:
    made = program(asked(VLLM, cards=2, accelerator="gpu", context=8192, prefix="/services/ada/tales", aliases=("ada/tales",)))
    assert made.argv == (
        "/e/bin/vllm", "serve", "/m", "--uds", "/ag/run/s.sock", "--served-model-name", "tales", "ada/tales", "--max-model-len", "8192",
        "--tensor-parallel-size", "2", "--max-num-seqs", "64", "--root-path", "/services/ada/tales", "--trust-remote-code",
        "--disable-uvicorn-access-log",
    )  # fmt: skip
    assert made.listen == "/ag/run/s.sock"
    assert made.mounts == ()
    assert made.environment["HF_HUB_OFFLINE"] == "1"


@pytest.mark.parametrize(("rank", "room"), [(0, ()), (16, ()), (17, ("32",)), (64, ("64",)), (10**9, ("512",))])
def test_vllm_makes_room_for_the_rank_of_an_adapter(rank: int, room: tuple[str, ...]) -> None:
    argv = program(asked(VLLM, cards=1, accelerator="gpu", base="/b", rank=rank)).argv
    assert argv[argv.index("--max-lora-rank") + 1 :][:1] == room if room else "--max-lora-rank" not in argv


def test_vllm_with_an_adapter() -> None:
    made = program(asked(VLLM, cards=1, accelerator="gpu", base="/b"))
    assert made.argv[:10] == (
        "/e/bin/vllm", "serve", "/b", "--uds", "/ag/run/s.sock", "--served-model-name", "tales-base", "--enable-lora", "--lora-modules",
        "tales=/m",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("task", "facts", "expected"),
    [
        (GENERATION, {}, [TRANSFORMERS]),
        (ANSWERS, {"accelerator": "gpu", "packages": ["vllm"]}, [TRANSFORMERS]),
        ("custom", {"accelerator": "gpu", "packages": ["vllm"]}, [CUSTOM]),
        (GENERATION, {"accelerator": "gpu", "packages": ["vllm"]}, [VLLM, TRANSFORMERS]),
        (GENERATION, {"accelerator": "gpu"}, [TRANSFORMERS]),
        (GENERATION, {"packages": ["vllm"]}, [TRANSFORMERS]),
        (GENERATION, {"accelerator": "npu", "packages": ["vllm"]}, [TRANSFORMERS]),
        ("image-classification", {}, []),
    ],
)
def test_engines_that_fit(task: str, facts: dict[str, Any], expected: list[str]) -> None:
    assert engines_for(task, **facts) == expected


@pytest.mark.parametrize(
    ("engine", "facts", "code", "sentence"),
    [
        (VLLM, {"task": ANSWERS}, "engine_task", "vLLM does not serve this task. Choose another engine."),
        (VLLM, {}, "engine_card", "vLLM needs a GPU. Choose a spec with one, or another engine."),
        (VLLM, {"accelerator": "gpu"}, "engine_missing", "vLLM is not in the environment. Choose another environment or engine."),
    ],
)
def test_why_an_engine_does_not_fit(engine: str, facts: dict[str, Any], code: str, sentence: str) -> None:
    assert refusal(engine, **({"task": GENERATION} | facts)) == (code, sentence)


@pytest.mark.parametrize(
    ("log", "code"),
    [
        ("bwrap: execvp /e/bin/vllm: No such file or directory", "engine_missing"),
        ("RuntimeError: Failed to infer device type, please set the environment variable", "no_card"),
        ("RuntimeError: No CUDA GPUs are available", "no_card"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "card_memory"),
        ("ValueError: User-specified max_model_len (8192) is greater than the derived max_model_len", "context_too_long"),
        ("ValueError: Model architectures ['ChatGLMModel'] are not supported for now.", "architecture"),
        ("KeyboardInterrupt", None),
    ],
)
def test_the_log_of_vllm_says_why_it_did_not_start(log: str, code: str | None) -> None:
    found = failure(VLLM, f"INFO starting\n{log}\n")
    assert (found and found[0]) == code


def test_vllm_where_it_is_not_installed() -> None:
    # As a shell says it; the sandbox says it in its own words, which stand above.
    argv = program(asked(VLLM, python=sys.executable, accelerator="gpu", cards=1)).argv
    done = subprocess.run(["sh", "-c", '"$@"', "sh", *argv], capture_output=True, text=True)
    found = failure(VLLM, done.stderr)
    assert found is not None
    assert found[0] == "engine_missing"


def test_no_engine_needs_what_no_environment_of_ours_holds() -> None:
    held = {package for environment, packages in PACKAGES.items() if environment in BASES for package in packages}
    assert {engine.needs.package for engine in ENGINES.values()} - {""} <= held
    assert set(ENGINES) == {TRANSFORMERS, CUSTOM, VLLM, IMAGE}


def test_each_engine_has_a_name_that_leads_to_it() -> None:
    assert {name: engine.name for name, engine in ENGINES.items()} == {name: name for name in ENGINES}


def test_a_replica_in_the_sandbox(tmp_path: Path) -> None:
    script = "import os\nclass Model:\n    def __init__(self): self.left = sorted(os.listdir('/gallery'))\n    def __call__(self, inputs): return self.left\n"  # noqa: E501
    place = model(tmp_path / "model", inference=script)
    runner = LocalRunner(tmp_path / "runs")
    folder = runner.folder("service-1-1") / "socket"
    folder.mkdir()
    made = program(asked(CUSTOM, task="custom", python=interpreter(), model="/ag/model", cpus=1, memory=512 << 20))
    spec = RunSpec(
        made.argv,
        made.environment,
        (*interpreter_mounts(), *made.mounts, Mount(str(place), "/ag/model"), Mount(str(folder), "/ag/run", writable=True)),
        made.folder,
        Limits(memory=512 << 20, grace=5),
        listen=made.listen,
    )
    runner.start(spec, "service-1-1")
    try:
        look = until(lambda: (found := runner.look("service-1-1")).address and found)
        replica = Replica(None, look.address.removeprefix("unix:"), tmp_path)
        until(lambda: replica.ask("GET", engines.ready_path(CUSTOM)).status == 200)
        assert replica.post("x").json == ["serving"]
    finally:
        runner.stop("service-1-1")
    assert until(lambda: (found := runner.look("service-1-1")).state == State.EXITED and found).exit.code in (0, 143)
