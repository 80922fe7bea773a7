"""Engines: the programs that answer the requests of a service. An engine is data, and the command of a replica follows from it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from toolchain.runners.base import Mount

TRANSFORMERS, CUSTOM, VLLM, IMAGE = "transformers", "custom", "vllm", "image"
GENERATION, ANSWERS, CUSTOM_TASK = "text-generation", "question-answering", "custom"
HOME = "/gallery"
SOURCE = Path(__file__).resolve().parent / "serving"
PORT = 8080
"""Where an image listens: section 15.3 of the specification."""

Argument = str | tuple[str, ...]


@dataclass(frozen=True)
class Needs:
    """What an engine cannot do without: cards of one of these kinds, a package of its environment."""

    cards: frozenset[str] = frozenset()
    package: str = ""


@dataclass(frozen=True)
class Engine:
    """A program that serves models.

    `arguments` make its command: `{name}` stands for a value of `values_of`, and a tuple is left out as a whole where one of its values is
    empty; one with `{alias}` is repeated for each further name of the model. `listen` says whether it takes a unix socket or only knows a
    port on its loopback address. `dialect` is what it speaks: "openai" (`/v1/…`) or "predict" (`/predict`).
    """

    name: str
    title: str | Promise
    tasks: frozenset[str]
    arguments: tuple[Argument, ...]
    dialect: Literal["openai", "predict"]
    ready: str = "/health"
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: Needs = field(default_factory=Needs)
    start_seconds: int = 900
    listen: Literal["socket", "port"] = "socket"
    ours: bool = False
    failures: tuple[tuple[str, str, str | Promise], ...] = ()
    """What its log says when it cannot start, as an expression, a code and a sentence; the first that is found counts."""


@dataclass(frozen=True)
class Request:
    """A replica to start; paths are as its program sees them, sizes bytes, times seconds.

    `base` is the folder of the base model where `model` holds an adapter of this `rank`, `context` the most tokens of prompt and text (0: what the model
    can do), `prefix` the address under which clients reach the service. `image` and `command` are those of a model that brings an image
    of its own; a relative command is a file of the model.
    """

    engine: str
    task: str
    python: str
    model: str
    name: str
    socket: str
    cpus: float
    cards: int = 0
    accelerator: str = ""
    memory: int = 0
    concurrency: int = 8
    queue: int = 64
    seconds: int = 40
    max_body: int = 12 << 20
    context: int = 0
    base: str = ""
    rank: int = 0
    prefix: str = ""
    aliases: tuple[str, ...] = ()
    image: str = ""
    command: str = ""


@dataclass(frozen=True)
class Program:
    """What a run of a replica consists of, beside its model and its environment."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    mounts: tuple[Mount, ...]
    folder: str
    listen: str | int
    image: str = ""


_OURS: tuple[Argument, ...] = (
    "--socket", "{socket}", "--timeout", "{seconds}", "--queue", "{queue}", "--max-body", "{max_body}", "--grace", "{seconds}",
    ("--memory", "{memory}"), "--start-timeout", "{start_seconds}",
)  # fmt: skip
_QUIET = {"HF_HUB_OFFLINE": "1", "HF_HOME": "/tmp/hf", "TOKENIZERS_PARALLELISM": "false"}

# What vLLM makes room for unless it is told otherwise, and what it can be told.
_USUAL_RANK, _RANKS = 16, (32, 64, 128, 256, 512)

ENGINES: Mapping[str, Engine] = {
    engine.name: engine
    for engine in (
        Engine(
            TRANSFORMERS,
            _("Transformers"),
            frozenset({GENERATION, ANSWERS}),
            (
                "{python}", "-m", "serving.transformers_engine", *_OURS, "--concurrency", "{concurrency}", "--threads", "{threads}",
                "--model", "{model}", "--name", "{name}", "--name={alias}", "--task", "{task}", ("--base", "{base}"), ("--context", "{context}"),
            ),
            "openai",
            environment=_QUIET,
            ours=True,
        ),
        Engine(
            CUSTOM,
            _("The model's own script"),
            frozenset({CUSTOM_TASK}),
            # One request at a time: nobody promises that a model may be called from two threads.
            ("{python}", "-m", "serving.custom", *_OURS, "--concurrency", "1"),
            "predict",
            environment=_QUIET,
            ours=True,
        ),
        # It listens on `PORT`, answers GET /health, and ends on SIGTERM.
        Engine(IMAGE, _("The model's own image"), frozenset({CUSTOM_TASK}), ("{shell}", "{command}"), "predict", listen="port", start_seconds=1800),
        Engine(
            VLLM,
            _("vLLM"),
            frozenset({GENERATION}),
            (
                "{bin}/vllm", "serve", "{weights}", "--uds", "{socket}", "--served-model-name", "{served}", "{alias}",
                ("--enable-lora", "--lora-modules", "{lora}"), ("--max-lora-rank", "{rank}"), ("--max-model-len", "{context}"),
                "--tensor-parallel-size", "{cards}", "--max-num-seqs", "{sequences}", ("--root-path", "{prefix}"),
                "--trust-remote-code", "--disable-uvicorn-access-log",
            ),
            "openai",
            environment=_QUIET | {
                "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CACHE_ROOT": "/tmp/vllm", "VLLM_CONFIG_ROOT": "/tmp/vllm",
                "XDG_CACHE_HOME": "/tmp/cache", "TRITON_CACHE_DIR": "/tmp/triton", "VLLM_HOST_IP": "127.0.0.1",
            },
            needs=Needs(cards=frozenset({"gpu"}), package="vllm"),
            start_seconds=1800,
            failures=(
                (r"vllm: (command )?not found|No such file or directory.*vllm|execvp.*vllm|No module named '?vllm", "engine_missing",
                 _("vLLM is not in the environment. Ask an administrator for one that holds it, or choose the engine Transformers.")),
                (r"Failed to infer device type|No CUDA GPUs are available|libcuda\.so\.1|NVIDIA driver|no NVIDIA GPU", "no_card",
                 _("vLLM found no GPU. Choose a spec with one, or the engine Transformers.")),
                (r"CUDA out of memory|OutOfMemoryError|No available memory for the cache blocks", "card_memory",
                 _("The model does not fit into the memory of the cards. Choose a spec with more of it.")),
                (r"max_model_len|max seq len", "context_too_long",
                 _("The context does not fit. Choose a shorter one, or a spec with more memory.")),
                (r"[Aa]rchitectures? .*not supported|are not supported for now", "architecture",
                 _("vLLM does not know the architecture of this model. Choose the engine Transformers.")),
            ),
        ),
    )
}  # fmt: skip


def values_of(request: Request) -> dict[str, str]:
    """Return what stands for the names in an engine's arguments. Empty text: nothing to say."""
    engine = ENGINES[request.engine]
    threads = max(1, int(request.cpus))
    return {
        "python": request.python,
        "bin": str(Path(request.python).parent),
        "socket": request.socket,
        "model": request.model,
        "weights": request.base or request.model,
        "base": request.base,
        "name": request.name,
        # The base of an adapter can be asked for too, under a name of its own.
        "served": f"{request.name}-base" if request.base else request.name,
        "lora": f"{request.name}={request.model}" if request.base else "",
        "rank": str(next((rank for rank in _RANKS if rank >= request.rank), _RANKS[-1])) if request.rank > _USUAL_RANK else "",
        "task": request.task,
        "threads": str(threads),
        "cards": str(max(1, request.cards)),
        "memory": str(request.memory or ""),
        "concurrency": str(request.concurrency),
        "sequences": str(max(request.concurrency, 64)),
        "queue": str(request.queue),
        "seconds": str(request.seconds),
        "start_seconds": str(engine.start_seconds),
        "max_body": str(request.max_body),
        "context": str(request.context or ""),
        "prefix": request.prefix,
        "shell": "python" if request.command.endswith(".py") else "bash",
        "command": request.command if request.command.startswith("/") else f"{request.model}/{request.command}",
    }


def program(request: Request) -> Program:
    """Return the program of a replica."""
    engine, values = ENGINES[request.engine], values_of(request)
    argv: list[str] = []
    for argument in engine.arguments:
        if isinstance(argument, str) and "{alias}" in argument:
            argv += [argument.format(alias=alias) for alias in _aliases(request)]
        elif isinstance(argument, str):
            argv.append(argument.format_map(values))
        elif all(values[name] for part in argument for name in re.findall(r"{(\w+)}", part)):
            argv += [part.format_map(values) for part in argument]
    environment = {
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        # One thread more than there are processors for costs up to twenty times the time.
        "OMP_NUM_THREADS": values["threads"],
        "ENV_AG_MODEL_DIR": request.model,
        **engine.environment,
    }
    mounts: tuple[Mount, ...] = ()
    if engine.ours:
        environment["PYTHONPATH"] = HOME
        mounts = (Mount(str(SOURCE), f"{HOME}/{SOURCE.name}"),)
    folder = request.model if engine.name == IMAGE else "/tmp"
    return Program(tuple(argv), environment, mounts, folder, request.socket if engine.listen == "socket" else PORT, request.image)


def _aliases(request: Request) -> tuple[str, ...]:
    """Return the other names of the model; beside an adapter, vLLM would give them to its base."""
    return () if request.base and request.engine == VLLM else request.aliases


def ready_path(name: str) -> str:
    """Return the address that answers 200 once the engine is ready."""
    return ENGINES[name].ready


def start_seconds(name: str) -> int:
    """Return how long an engine may take until it is ready."""
    return ENGINES[name].start_seconds


def engines_for(task: str, *, accelerator: str = "", packages: Collection[str] = ()) -> list[str]:
    """Return the engines that can serve a task, the one to prefer first.

    `accelerator` is the kind of cards of the spec, `packages` are the names that the environment can import.
    """
    return [name for name in (VLLM, TRANSFORMERS, CUSTOM) if not refusal(name, task=task, accelerator=accelerator, packages=packages)]


def refusal(name: str, *, task: str, accelerator: str = "", packages: Collection[str] = ()) -> tuple[str, str] | None:
    """Return code and sentence of why an engine cannot be used, or None."""
    engine = ENGINES[name]
    facts: dict[str, Any] = {"engine": engine.title}
    if task not in engine.tasks:
        return "engine_task", gettext("%(engine)s does not serve this task. Choose another engine.") % facts
    if engine.needs.cards and accelerator not in engine.needs.cards:
        return "engine_card", gettext("%(engine)s needs a GPU. Choose a spec with one, or another engine.") % facts
    if engine.needs.package and engine.needs.package not in packages:
        return "engine_missing", gettext("%(engine)s is not in the environment. Choose another environment or engine.") % facts
    return None


def failure(name: str, log: str) -> tuple[str, str] | None:
    """Return code and sentence of why an engine ended before it was ready, as far as the end of its log says so."""
    for expression, code, sentence in ENGINES[name].failures:
        if re.search(expression, log):
            return code, str(sentence)
    return None
