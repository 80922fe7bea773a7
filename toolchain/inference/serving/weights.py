"""Loads a model folder for the built-in engine: text generation, or questions answered from a text."""

import json
import os
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForQuestionAnswering, AutoTokenizer

from .loading import LoadError, last_line

GENERATION, ANSWERS = "text-generation", "question-answering"
_DEFAULT_CONTEXT = 2048
# Architectures that read a text and write none.
_READERS = frozenset({"bert", "roberta", "distilbert", "albert", "electra", "deberta", "deberta-v2", "xlm-roberta", "camembert", "ernie"})
_CONTEXTS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "max_seq_len", "n_ctx")
_STORED = {"bfloat16": 2, "float16": 2, "float32": 4}


@dataclass
class Loaded:
    """A model that is ready. `context` is the most tokens of a prompt and its text together."""

    task: str
    model: Any
    tokenizer: Any
    context: int
    ends: frozenset[int]
    architecture: str
    adapter: bool


def device() -> str:
    """Return the device that models run on: the first accelerator that torch sees, else the CPU."""
    if torch.cuda.is_available():
        return "cuda"
    try:
        # Importing it is what makes torch see the cards.
        import_module("torch_npu")
        return "npu" if torch.npu.is_available() else "cpu"
    except (ImportError, AttributeError):
        return "cpu"


def load(folder: Path, *, base: Path | None, task: str, dtype: str, memory: int, context: int) -> Loaded:
    """Load the model of a folder, or the base of a LoRA adapter with the adapter merged into it. Raises `LoadError`."""
    adapter = folder / "adapter_config.json"
    source = _base(adapter, base) if adapter.is_file() else folder
    try:
        config = AutoConfig.from_pretrained(source, trust_remote_code=True)
        tokenizer = AutoTokenizer.from_pretrained(folder if _has_tokenizer(folder) else source, trust_remote_code=True)
    except Exception as error:
        raise LoadError("config_unreadable", f"config.json or the tokenizer cannot be read: {last_line(error)}") from error
    architecture = next(iter(getattr(config, "architectures", None) or ()), "") or str(config.model_type)
    reads = architecture.endswith("ForQuestionAnswering") or (config.model_type in _READERS)
    task = (ANSWERS if reads else GENERATION) if task == "auto" or (task == ANSWERS and not reads) else task
    if task == GENERATION and reads:
        raise LoadError("task_unfit", f"{architecture} does not write texts. Its task is {ANSWERS}.")
    where = device()
    kind = AutoModelForQuestionAnswering if task == ANSWERS else AutoModelForCausalLM
    several = where == "cuda" and torch.cuda.device_count() > 1
    try:
        model, about = kind.from_pretrained(
            source,
            dtype=_dtype(source, dtype, where, memory),
            trust_remote_code=True,
            output_loading_info=True,
            **({"device_map": "auto"} if several else {}),
        )
    except Exception as error:
        raise LoadError("weights_unreadable", f"The weights cannot be loaded: {last_line(error)}") from error
    missing = sorted(about["missing_keys"])
    if missing and not (adapter.is_file() and task == ANSWERS):
        raise LoadError("weights_incomplete", f"{architecture} needs weights that are not in the files: {', '.join(missing[:5])}.")
    if adapter.is_file():
        model = _merged(model, folder)
    model.eval()
    if not several and where != "cpu":
        model.to(where)
    most = min([context or _context(config), _context(config)])
    return Loaded(task, model, tokenizer, most, _ends(model, tokenizer), architecture, adapter.is_file())


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", "tokenizer.model"))


def _base(adapter: Path, base: Path | None) -> Path:
    """Return the folder of the model that an adapter belongs to."""
    try:
        named = str(json.loads(adapter.read_text("utf-8")).get("base_model_name_or_path") or "")
    except (ValueError, OSError, AttributeError) as error:
        raise LoadError("adapter_unreadable", f"adapter_config.json cannot be read: {last_line(error)}") from error
    for place in (base, adapter.parent if (adapter.parent / "config.json").is_file() else None, Path(named) if named else None):
        if place is not None and (place / "config.json").is_file():
            return place
    raise LoadError("base_missing", f"This is a LoRA adapter, and its base model “{Path(named).name}” is not there.")


def _merged(model: Any, folder: Path) -> Any:
    try:
        from peft import PeftModel
    except ImportError as error:
        raise LoadError("package_missing", "An adapter needs the package peft in its environment.") from error
    try:
        return PeftModel.from_pretrained(model, str(folder)).merge_and_unload()
    except Exception as error:
        raise LoadError("adapter_unreadable", f"The adapter does not fit its base model: {last_line(error)}") from error


def _dtype(folder: Path, wanted: str, where: str, memory: int) -> Any:
    """Return the number format: as stored on an accelerator; on a CPU 32 bits, which is faster, where memory allows it."""
    if wanted != "auto":
        return getattr(torch, wanted)
    if where != "cpu":
        return "auto"
    try:
        stored = str(json.loads((folder / "config.json").read_text("utf-8")).get("dtype") or "")
    except (ValueError, OSError):
        stored = ""
    size = sum(path.stat().st_size for path in folder.iterdir() if path.suffix in (".safetensors", ".bin") and path.is_file())
    grown = size * 4 // _STORED.get(stored, 2)
    return torch.float32 if not memory or grown < memory * 0.6 else "auto"


def _context(config: Any) -> int:
    text = config.get_text_config() if hasattr(config, "get_text_config") else config
    found = [value for name in _CONTEXTS if isinstance(value := getattr(text, name, None), int) and value > 1]
    return found[0] if found else _DEFAULT_CONTEXT


def _ends(model: Any, tokenizer: Any) -> frozenset[int]:
    """Return the tokens that end a text."""
    found: set[int] = set()
    for source in (getattr(model, "generation_config", None), model.config, tokenizer):
        value = getattr(source, "eos_token_id", None)
        found.update([value] if isinstance(value, int) else value if isinstance(value, list) else [])
    return frozenset(found)


def quiet() -> None:
    """Keep libraries from reaching for the network and from drawing progress into the log."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from transformers.utils import logging

    logging.disable_progress_bar()
