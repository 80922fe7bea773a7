"""The model that is trained: loaded as the settings want it, and saved as what others load."""

import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import torch
from transformers import AutoConfig, GenerationConfig

from toolchain.trainer.builtin import training
from toolchain.trainer.builtin.job import Job, refused

NAMED = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
TEXTS, QUESTIONS = "CAUSAL_LM", "QUESTION_ANS"


def check_tokenizer(job: Job, tokenizer: Any, config: Mapping[str, Any]) -> None:
    """Let shorter examples be filled up. Raises `Refused` for a tokenizer that does not belong to the model."""
    if not tokenizer.is_fast:
        raise refused("tokenizer_slow")
    limit = config.get("vocab_size")
    if isinstance(limit, int) and len(tokenizer) > limit:
        raise refused("tokenizer_larger", tokens=len(tokenizer), limit=limit)
    if tokenizer.pad_token is None and tokenizer.eos_token is not None:
        tokenizer.pad_token = tokenizer.eos_token


def load(job: Job, kind: Any, task: str, values: Mapping[str, Any], number: str) -> tuple[Any, Any]:
    """Return a model of a class of transformers, with an adapter where the settings name its rank, and the type of numbers in the files."""
    stored = training.loaded(AutoConfig, job.model).dtype or torch.float32
    # All of a model is trained in single precision, whatever it computes in: small steps vanish in shorter numbers.
    is_adapter = "lora_rank" in values
    model = training.loaded(kind, job.model, dtype=NAMED[number] if is_adapter and number == "bfloat16" else torch.float32)
    if values["gradient_checkpointing"]:
        model.config.use_cache = False
    if is_adapter:
        model = _adapted(job, model, task, values)
    return model, stored


def _adapted(job: Job, model: Any, task: str, values: Mapping[str, Any]) -> Any:
    from peft import LoraConfig, get_peft_model

    modules = [name.strip() for name in values["lora_target_modules"].split(",") if name.strip()]
    wanted = "all-linear" if modules in ([], ["all-linear"]) else modules
    if values["gradient_checkpointing"]:
        model.enable_input_require_grads()
    config = LoraConfig(
        task_type=task,
        r=values["lora_rank"],
        lora_alpha=values["lora_alpha"],
        lora_dropout=values["lora_dropout"],
        target_modules=wanted,
        # What answers questions is new, and trained as a whole.
        exclude_modules=["qa_outputs"] if task == QUESTIONS else None,
    )
    try:
        adapted = get_peft_model(model, config)
    except ValueError as error:
        raise refused("layers_unknown", modules=", ".join(modules)) from error
    # The path of this machine means nothing to others; the library misses a model of that name, and says so each time it saves.
    adapted.peft_config["default"].base_model_name_or_path = job.base
    warnings.filterwarnings("ignore", "Could not find a config file")
    return adapted


def save(job: Job, model: Any, tokenizer: Any, values: Mapping[str, Any], stored: Any) -> None:
    """Write the model, its tokenizer and how it generates; an adapter is merged into it unless the settings say otherwise."""
    is_adapter = "lora_rank" in values
    if is_adapter and values["merge_adapter"]:
        model = model.merge_and_unload()
    if not is_adapter or values["merge_adapter"]:
        model.config.use_cache = True
        model = model.to(stored)
        _mend_generation(model, tokenizer)
    model.save_pretrained(str(job.output))
    tokenizer.save_pretrained(str(job.output))


def _mend_generation(model: Any, tokenizer: Any) -> None:
    """Name the tokens at which generating ends, and drop settings that contradict themselves: such files are not written."""
    settings = getattr(model, "generation_config", None)
    if settings is None:
        return
    if settings.eos_token_id is None:
        settings.eos_token_id = tokenizer.eos_token_id
    if settings.pad_token_id is None:
        settings.pad_token_id = tokenizer.pad_token_id
    with suppress(Exception):
        settings.validate(strict=True)
        return
    model.generation_config = GenerationConfig(
        bos_token_id=settings.bos_token_id, eos_token_id=settings.eos_token_id, pad_token_id=settings.pad_token_id
    )
