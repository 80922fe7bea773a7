"""A run as the contract describes it: folders and settings from the environment, words for people on standard output, lines of metrics.

The contract is section 11.3 of the specification. SIGTERM means that the run is to end within its grace; see `Stops`.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from toolchain.trainer.builtin import checking, feasibility, reading, settings
from toolchain.trainer.builtin.checking import Finding, Outcome, Split
from toolchain.trainer.builtin.sentences import sentence

SUMMARY = "training_summary.json"
REFUSED, STOPPED = 2, 128 + signal.SIGTERM
PATIENCE, LAST_WORDS = 15, 3


class Refused(Exception):
    """The run cannot go on; its findings say why."""

    def __init__(self, *findings: Finding) -> None:
        super().__init__("; ".join(sentence(finding.code, finding.facts) for finding in findings))
        self.findings = findings


class Stopped(BaseException):
    """The run was asked to end. No `Exception`, so that nothing on the way takes it for a failure. `said`: the log says so already."""

    said = False


def refused(code: str, **facts: Any) -> Refused:
    """Return the refusal with one sentence."""
    return Refused(Finding(code, "error", facts))


@dataclass(frozen=True)
class Job:
    """What a run was given. `rank` is its number among `world` processes that train together; the first one speaks and writes."""

    model: Path
    dataset: Path
    output: Path
    metrics: Path
    given: str
    rank: int = 0
    world: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Job":
        """Return what the variables of the contract say. Raises `Refused`."""

        def variable(name: str) -> str:
            if not environment.get(name):
                raise refused("variable_missing", name=name)
            return environment[name]

        return cls(
            Path(variable("ENV_AG_MODEL_DIR")),
            Path(variable("ENV_AG_DATASET_DIR")),
            Path(variable("ENV_AG_TRAIN_OUTPUT_DIR")),
            Path(variable("ENV_AG_USER_METRICS_LOG_PATH")),
            environment.get("ENV_AG_USER_PARAMS", ""),
            int(environment.get("RANK", "0")),
            int(environment.get("WORLD_SIZE", "1")),
        )

    @property
    def base(self) -> str:
        """The model that is trained, as `owner/name`; the path rule of the contract joins both with two hyphens."""
        return self.model.name.replace("--", "/", 1)

    def say(self, text: str) -> None:
        """Write one line for people; of several processes only the first does."""
        if self.rank == 0:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()

    def tell(self, findings: Sequence[Finding]) -> None:
        """Say what findings say. Raises `Refused` where one of them is an error."""
        errors = [finding for finding in findings if finding.severity == "error"]
        if errors:
            raise Refused(*errors)
        for finding in findings:
            self.say(("Note: " if finding.severity == "warning" else "") + sentence(finding.code, finding.facts))

    def settings(self, params: Path) -> dict[str, Any]:
        """Return the hyperparameters by name, in their types. Raises `Refused`."""
        values, found = settings.read(params.read_bytes(), self.given)
        self.tell(found)
        return values

    def check_model(self, task: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the configuration of the model after looking at its files. Raises `Refused`."""
        names = [entry.name for entry in os.scandir(self.model) if entry.is_file()]
        config = (self.model / feasibility.CONFIG).read_bytes() if feasibility.CONFIG in names else None
        self.tell(feasibility.check(task, names, config, values))
        return feasibility.parsed(config or b"{}") or {}

    def check_dataset(self, task: str, subset: str) -> tuple[Outcome, dict[str, Split]]:
        """Return what the dataset is to the task, and its splits by name, after looking at every row. Raises `Refused`."""
        try:
            splits = reading.splits(self.dataset, subset)
            outcome = checking.check(task, splits)
        except reading.Unreadable as error:
            raise refused(error.code, **error.facts) from error
        self.tell(outcome.findings)
        return outcome, {split.name: split for split in splits}

    def measure(self, iteration: int, loss: float, throughput: float) -> None:
        """Add a line to the metrics log: tokens per second are the throughput."""
        if self.rank == 0:
            with open(self.metrics, "a", encoding="ascii") as file:
                file.write(f"{iteration}|{loss:.6g}|{throughput:.1f}\n")

    def summarise(self, summary: Mapping[str, Any]) -> None:
        """Write what became of the run into its output."""
        if self.rank == 0:
            text = json.dumps(summary, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False)
            (self.output / SUMMARY).write_text(text + "\n", encoding="utf-8")


@dataclass
class Stops:
    """Turns SIGTERM into `Stopped`: at once while a run prepares, at the next safe place while it trains, never while it finishes.

    Where no safe place comes within `PATIENCE` seconds of the grace, training is broken off between two instructions. Of several processes
    the one that `leads` stops, as the others would leave it waiting for them.
    """

    leads: bool = True
    phase: str = "preparing"
    asked_at: float = 0.0

    def listen(self) -> None:
        """Begin to catch the signal, in the main thread."""
        signal.signal(signal.SIGTERM, self._asked)
        signal.signal(signal.SIGALRM, self._late)

    def check(self) -> None:
        """Raise `Stopped` where the run was asked to end."""
        if self.asked_at and self.phase == "training" and self.leads:
            self.phase = "finishing"
            raise Stopped

    def _asked(self, _signal: int, _frame: FrameType | None) -> None:
        self.asked_at = self.asked_at or time.monotonic()
        if self.phase == "preparing":
            self.phase = "finishing"
            raise Stopped
        signal.alarm(PATIENCE)

    def _late(self, _signal: int, _frame: FrameType | None) -> None:
        self.check()


def run(main: Callable[[Job, Stops], None], script: str) -> None:
    """Run `main` as the process of a job, and end with the words and the exit code that belong to how it went."""
    job, stops = None, Stops(leads=os.environ.get("RANK", "0") == "0")
    stops.listen()
    # The libraries keep caches; of all folders only this one is private and can be written to.
    os.environ.setdefault("HF_HOME", f"{tempfile.gettempdir()}/huggingface")
    os.environ["HF_HUB_OFFLINE"] = "1"
    # Nothing is forked here, and texts are many: as many threads as processors were granted.
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    os.environ.setdefault("RAYON_NUM_THREADS", os.environ.get("OMP_NUM_THREADS", ""))
    try:
        spread(visible_cards(os.environ), script)
        job = Job.from_environment(os.environ)
        job.output.mkdir(parents=True, exist_ok=True)
        main(job, stops)
    except Refused as error:
        # Of several processes all refuse what they find while they prepare, and one may meet what others do not afterwards.
        for finding in error.findings if stops.leads or stops.phase != "preparing" else ():
            sys.stderr.write(f"Error: {sentence(finding.code, finding.facts)}\n")
        raise SystemExit(REFUSED) from None
    except Stopped as error:
        if job is not None and not error.said:
            job.say(sentence("stopped_early", {}))
        raise SystemExit(STOPPED) from None
    except Exception:
        # The one that leads has stopped, and left the others in the middle of an exchange.
        if stops.asked_at and not stops.leads:
            raise SystemExit(STOPPED) from None
        raise


def spread(cards: int, script: str) -> None:
    """Train on several cards, with a process for each, and end as the first of them that fails; with one card or none nothing happens."""
    if cards < 2 or "LOCAL_RANK" in os.environ:
        return
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        meeting = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": str(cards)}
    ranks = [{"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(cards)]
    processes = [subprocess.Popen([sys.executable, script], env={**os.environ, **meeting, **rank}) for rank in ranks]

    def forward(_signal: int, _frame: FrameType | None) -> None:
        for process in processes:
            process.terminate()

    signal.signal(signal.SIGTERM, forward)
    while any(map(_runs, processes)) and not any(process.returncode for process in processes):
        time.sleep(0.1)
    failed = next((process.returncode for process in processes if process.returncode), 0)
    # The others wait in vain for the one that is gone; of a failure what they have to say themselves comes first.
    until = time.monotonic() + (0 if failed == STOPPED else LAST_WORDS)
    while any(map(_runs, processes)) and time.monotonic() < until:
        time.sleep(0.1)
    for process in processes:
        process.kill()
    raise SystemExit(failed if failed >= 0 else 128 - failed)


def _runs(process: "subprocess.Popen[bytes]") -> bool:
    return process.poll() is None


def visible_cards(environment: Mapping[str, str]) -> int:
    """Return how many cards the runner granted, without waking them."""
    for name in ("CUDA_VISIBLE_DEVICES", "ASCEND_RT_VISIBLE_DEVICES"):
        if name in environment:
            return len([each for each in environment[name].split(",") if each.strip() and each.strip() != "-1"])
    return 0
