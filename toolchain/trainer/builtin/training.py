"""What training for both tasks has in common: arguments of the trainer, progress, the end. Needs the base environment."""

import math
import os
import platform
import shutil
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from transformers import EarlyStoppingCallback, PrinterCallback, Trainer, TrainerCallback, TrainingArguments, logging
from transformers.utils import is_torch_npu_available

from toolchain.trainer.builtin import settings
from toolchain.trainer.builtin.job import Job, Refused, Stopped, Stops, refused
from toolchain.trainer.builtin.sentences import sentence

CHECKPOINT = "checkpoint"
MOST_BROKEN = 3
PACKAGES = ("torch", "transformers", "tokenizers", "peft", "accelerate", "datasets", "safetensors", "numpy")


@dataclass(frozen=True)
class Device:
    """Where a run computes: `kind` is cpu, cuda or npu."""

    kind: str
    name: str

    @property
    def has_bfloat16(self) -> bool:
        """Whether it is worth computing in bfloat16."""
        return self.kind == "npu" or (self.kind == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False))


def device() -> Device:
    """Return what was granted, and prepare the libraries: as many threads as processors, and no bars that redraw themselves in a log."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.simplefilter("ignore", FutureWarning)
    if torch.cuda.is_available():
        return Device("cuda", torch.cuda.get_device_name())
    if is_torch_npu_available():
        return Device("npu", str(torch.npu.get_device_name()))
    granted = os.environ.get("OMP_NUM_THREADS", "")
    torch.set_num_threads(int(granted) if granted.isdigit() and int(granted) else len(os.sched_getaffinity(0)))
    return Device("cpu", platform.processor() or platform.machine())


def precision(wanted: str, place: Device) -> str:
    """Return float32, bfloat16 or float16 for what is wanted, which may be auto. Raises `Refused`."""
    if wanted == "auto":
        return "bfloat16" if place.has_bfloat16 else "float16" if place.kind == "cuda" else "float32"
    if wanted == "float16" and place.kind == "cpu":
        raise refused("precision_needs_card")
    return wanted


def arguments(job: Job, values: Mapping[str, Any], number: str, place: Device, *, evaluates: bool, metric: str) -> TrainingArguments:
    """Return the arguments of the trainer; `metric` decides which state is the best: the loss, or else the higher the better."""
    rhythm = {"eval_strategy": "steps", "eval_steps": values["eval_steps"]} if values["eval_steps"] else {"eval_strategy": "epoch"}
    best = {"save_strategy": "best", "load_best_model_at_end": True, "metric_for_best_model": metric, "greater_is_better": metric != "loss"}
    return TrainingArguments(
        output_dir=str(job.output),
        per_device_train_batch_size=values["per_device_train_batch_size"],
        per_device_eval_batch_size=values["per_device_train_batch_size"],
        num_train_epochs=values["num_train_epochs"],
        max_steps=values["max_steps"] or -1,
        learning_rate=values["learning_rate"],
        lr_scheduler_type=values["lr_scheduler_type"],
        # A share of all steps below 1, else a number of steps.
        warmup_steps=values["warmup_ratio"],
        weight_decay=values["weight_decay"],
        max_grad_norm=values["max_grad_norm"],
        gradient_accumulation_steps=values["gradient_accumulation_steps"],
        activation_checkpointing=values["gradient_checkpointing"],
        activation_checkpointing_kwargs={"use_reentrant": False} if values["gradient_checkpointing"] else None,
        bf16=number == "bfloat16",
        fp16=number == "float16",
        use_cpu=place.kind == "cpu",
        seed=values["seed"],
        logging_steps=values["logging_steps"],
        logging_first_step=True,
        logging_nan_inf_filter=False,
        include_num_input_tokens_seen="non_padding",
        save_only_model=True,
        save_total_limit=values["save_total_limit"],
        dataloader_pin_memory=place.kind != "cpu",
        remove_unused_columns=False,
        ddp_find_unused_parameters=False,
        log_level="error",
        log_level_replica="error",
        disable_tqdm=True,
        report_to="none",
        **(rhythm | best if evaluates else {"eval_strategy": "no", "save_strategy": "epoch"}),
    )


class Progress(TrainerCallback):  # type: ignore[misc]
    """Lines for people and for the curves, and the places at which a run may be stopped."""

    def __init__(self, job: Job, stops: Stops) -> None:
        self.job, self.stops = job, stops
        self.first_loss = self.last_loss = math.nan
        self._began = self._since = self._paused = time.perf_counter()
        self._tokens = self._broken = 0
        self._idle = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._began = self._since = self._paused = time.perf_counter()
        self.job.say(f"steps: {state.max_steps}")
        self.job.say(f"Training begins: {state.max_steps:,} steps, {state.num_train_epochs:,} epochs.")

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        # Evaluating and saving are no training.
        self._idle += time.perf_counter() - max(self._paused, self._since)

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.stops.check()

    def on_prediction_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.stops.check()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._paused = time.perf_counter()
        self.stops.check()
        if state.global_step >= state.max_steps:
            control.should_log = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        now, seen = time.perf_counter(), int(state.num_input_tokens_seen)
        rate = (seen - self._tokens) / max(now - self._since - self._idle, 1e-6)
        self._tokens, self._since, self._idle = seen, now, 0.0
        self.first_loss = loss if math.isnan(self.first_loss) else self.first_loss
        self.last_loss = loss
        self.job.measure(state.global_step, loss, rate)
        left = (now - self._began) / state.global_step * (state.max_steps - state.global_step)
        self.job.say(
            f"Step {state.global_step:,} of {state.max_steps:,} · epoch {state.epoch or 0:.2f} · loss {loss:.4f} · "
            f"{rate:,.0f} tokens/s · {duration(left)} left"
        )
        self._broken = 0 if math.isfinite(loss) else self._broken + 1
        if self._broken >= MOST_BROKEN:
            raise refused("not_finite", step=state.global_step)

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        names = {"eval_loss": "loss", "eval_exact_match": "exact match", "eval_f1": "F1"}
        said = " · ".join(f"{name} {metrics[key]:.4f}" for key, name in names.items() if metrics and key in metrics)
        self.job.say(f"Evaluation after step {state.global_step:,}: {said}")

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.job.say(f"Kept the state after step {state.global_step:,}.")


def complete(
    job: Job, stops: Stops, trainer: Trainer, values: Mapping[str, Any], facts: Mapping[str, Any], save: Callable[[Any], None]
) -> None:
    """Train, `save` the model, and sum up the run, also one that was stopped; `facts` are those that only the task knows. Raises as `train`."""
    try:
        progress = train(job, stops, trainer, values)
    except Stopped:
        job.summarise(summary(job, trainer, None, values, facts))
        raise
    if job.rank == 0:
        job.say("Saving the model.")
        save(trainer.accelerator.unwrap_model(trainer.model))
        finish(job.output)
        job.summarise(summary(job, trainer, progress, values, facts))
        job.say(f"Done: loss {progress.first_loss:.4f} at the beginning, {progress.last_loss:.4f} at the end.")


def train(job: Job, stops: Stops, trainer: Trainer, values: Mapping[str, Any]) -> Progress:
    """Train until the end, an early stop or a request to stop; the best state is loaded where there are rows to evaluate with.

    Raises `Stopped` after saving the state so far, `Refused` where going on makes no sense.
    """
    progress = Progress(job, stops)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(progress)
    if trainer.args.load_best_model_at_end and values["early_stopping_patience"]:
        trainer.add_callback(EarlyStoppingCallback(values["early_stopping_patience"]))
    stops.phase = "training"
    try:
        # A request that came while something on the way ignored it.
        stops.check()
        trainer.train()
    except Stopped as stopped:
        step = trainer.state.global_step
        if not step:
            raise
        folder = f"{CHECKPOINT}-{step}"
        if not (job.output / folder).is_dir():
            trainer.save_model(str(job.output / folder))
        tidy(job.output)
        job.say(sentence("stopped", {"step": step, "steps": trainer.state.max_steps, "folder": folder}))
        stopped.said = True
        raise
    except torch.OutOfMemoryError as error:
        raise refused("memory") from error
    stops.phase = "finishing"
    if trainer.control.should_training_stop and trainer.state.global_step < trainer.state.max_steps:
        job.say(f"Training ended early: {values['early_stopping_patience']} evaluations brought no gain.")
    if trainer.state.best_model_checkpoint:
        job.say(f"The best state is that after step {trainer.state.best_global_step:,}.")
    return progress


def finish(output: Path) -> None:
    """Leave nothing in the output but the model: no states on the way."""
    for folder in output.glob(f"{CHECKPOINT}-*"):
        shutil.rmtree(folder, ignore_errors=True)
    tidy(output)


def tidy(output: Path) -> None:
    """Make of everything in the output what others can load, without the arguments of the trainer and the blank form of a card.

    Version 5 of transformers names a class of tokenizers that version 4 lacks, and weights come out for their owner only.
    """
    for path in [output, *output.rglob("*")]:
        if path.name in ("training_args.bin", "README.md"):
            path.unlink()
            continue
        if path.name == "tokenizer_config.json":
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace('"TokenizersBackend"', '"PreTrainedTokenizerFast"'), encoding="utf-8")
        path.chmod(0o755 if path.is_dir() else 0o644)


def summary(job: Job, trainer: Trainer, progress: Progress | None, values: Mapping[str, Any], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `training_summary.json` says; `facts` are those that only the task knows."""
    state = trainer.state
    evaluations = [entry for entry in state.log_history if "eval_loss" in entry]
    best = next((entry for entry in evaluations if entry["step"] == state.best_global_step), evaluations[-1] if evaluations else {})
    train_log: Mapping[str, Any] = next((entry for entry in reversed(state.log_history) if "train_runtime" in entry), {})
    seconds = train_log.get("train_runtime")
    return {
        "format": 1,
        "method": settings.LORA if "lora_rank" in values else settings.FULL,
        "state": "completed" if progress is not None else "stopped",
        "base_model": job.base,
        "dataset": job.dataset.name.replace("--", "/", 1),
        "settings": dict(values),
        "steps": state.global_step,
        "planned_steps": state.max_steps,
        "epochs": _finite(state.epoch),
        "stopped_early": bool(progress is not None and state.global_step < state.max_steps),
        "best_step": state.best_global_step or None,
        "seconds": _finite(seconds),
        "tokens": int(state.num_input_tokens_seen),
        "tokens_per_second": _finite(int(state.num_input_tokens_seen) / seconds) if seconds else None,
        "loss": {"first": _finite(progress.first_loss), "last": _finite(progress.last_loss)} if progress is not None else {},
        "evaluation": {
            key.removeprefix("eval_"): _finite(best[key]) for key in ("eval_loss", "eval_exact_match", "eval_f1") if key in best
        },
        "versions": {name: version(name) for name in PACKAGES} | {"python": platform.python_version()},
        **facts,
    }


def parameters(model: Any) -> dict[str, int]:
    """Return how many numbers the model has, and how many of them are trained."""
    return {
        "all": sum(each.numel() for each in model.parameters()),
        "trained": sum(each.numel() for each in model.parameters() if each.requires_grad),
    }


def loaded(kind: Any, folder: Path, **options: Any) -> Any:
    """Return what `kind.from_pretrained` makes of a folder. Raises `Refused` with the first line of what is wrong."""
    try:
        return kind.from_pretrained(str(folder), local_files_only=True, **options)
    except Refused:
        raise
    # Which errors a damaged file causes is not documented.
    except Exception as error:
        raise refused("model_unreadable", problem=(str(error).strip().splitlines() or [type(error).__name__])[0][:300]) from error


def duration(seconds: float) -> str:
    """Return a time in words: 45 s, 12 min 30 s, 3 h 20 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
