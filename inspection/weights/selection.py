"""Which files of a model hold its weights once: the main set, not its variants in other types and formats."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from inspection.files import File, Unreadable
from inspection.weights import config
from inspection.weights.reports import SUFFIXES

MOST_SHARDS = 1_000
MOST_VARIANTS = 50
MOST_COMPONENTS = 24
LARGEST_INDEX = 16_000_000
INDEXES = (
    "model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors.index.json",
    "pytorch_model.bin.index.json",
    "diffusion_pytorch_model.bin.index.json",
)
CONFIGS = ("config.json", "params.json", "adapter_config.json", "model_index.json", "quantize_config.json")
FOLDERS = (
    "transformer", "transformer_2", "unet", "vae", "vqvae", "text_encoder", "text_encoder_2", "text_encoder_3", "image_encoder", "prior",
    "controlnet", "safety_checker", "decoder", "vocoder", "language_model", "vision_language_encoder", "connectors", "onnx",
)  # fmt: skip
_SHARD = re.compile(r"\A(?P<stem>.+?)-(?P<part>\d{1,6})-of-(?P<of>\d{1,6})(?P<suffix>\.\w+)\Z")
_PARALLEL = re.compile(r"\Aconsolidated\.\d{2}\.pth\Z")
_MAIN = ("model", "pytorch_model", "diffusion_pytorch_model", "open_clip_pytorch_model", "open_clip_model", "consolidated", "adapter_model")
_NEVER = re.compile(
    r"\A(training_args|optimizer|scheduler|rng_state.*|scaler|trainer_state|random_states.*|mmproj.*|imatrix.*|openvino_.*|flax_.*|ggml.*)\Z",
    re.IGNORECASE,
)
# The formats in the order in which they count, and whether only a set with a usual name does.
_ORDER = (("safetensors", False), ("PyTorch", True), ("GGUF", False), ("PyTorch", False), ("ONNX", False))


@dataclass
class Component:
    """The weights of one model: its files in order, its configuration, and what is wrong with the set."""

    name: str
    form: str
    files: list[File]
    index: dict[str, Any] | None = None
    config: dict[str, Any] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    parallel: bool = False


@dataclass
class Choice:
    """What is measured: one component, or those of a pipeline; `variants` stand beside and are not counted."""

    components: list[Component]
    variants: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    pipeline: str = ""


def interesting(path: str) -> bool:
    """Whether `choose` wants to know of the file at `path`."""
    folder, _slash, name = path.rpartition("/")
    if folder and folder not in FOLDERS:
        return False
    return name in CONFIGS or name in INDEXES or _suffix(name) in SUFFIXES


def choose(files: Sequence[File]) -> Choice:
    """Return what to measure of the files of a model: the top folder, or the folders of a pipeline, else the ONNX folder."""
    folders: dict[str, dict[str, File]] = {}
    for file in files:
        folder, _slash, name = file.path.rpartition("/")
        if folder == "" or folder in FOLDERS:
            folders.setdefault(folder, {})[name] = file
    top = folders.pop("", {})
    findings: list[dict[str, Any]] = []
    pipeline = _json(top["model_index.json"], findings) if "model_index.json" in top else {}
    main, variants = component("", top)
    rest = sorted(folders, key=FOLDERS.index)
    if pipeline or main is None:
        parts = [component(name, folders[name])[0] for name in rest if name != "onnx"][:MOST_COMPONENTS]
        if found := [part for part in parts if part is not None]:
            beside = [*([_variant(main)] if main else []), *variants]
            return Choice(found, beside[:MOST_VARIANTS], findings, _title(pipeline) or "pipeline")
    if main is None and "onnx" in folders:
        main, variants = component("", folders["onnx"] | {name: top[name] for name in CONFIGS if name in top})
    return Choice([main] if main else [], variants, findings)


def _title(pipeline: dict[str, Any]) -> str:
    name = pipeline.get("_class_name")
    return name[:100] if isinstance(name, str) else ""


def component(name: str, files: dict[str, File]) -> tuple[Component | None, list[dict[str, Any]]]:
    """Return the main set of weights among the files of one folder, by name, and the other sets; None where there are none."""
    findings: list[dict[str, Any]] = []
    sets = _sets(files)
    best: Component | None = None
    for form, usual in _ORDER:
        best = _indexed(name, form, files, findings) or _largest(name, form, [one for one in sets if one.name in _MAIN or not usual])
        if best is not None:
            break
    if best is None:
        return None, []
    best.findings[:0] = findings
    best.config = _config(files, best.findings)
    chosen = {file.path for file in best.files}
    others = [one for one in sets if not chosen & {file.path for file in one.files}]
    return best, [_variant(one) for one in sorted(others, key=lambda one: -_bytes(one))[:MOST_VARIANTS]]


def _sets(files: dict[str, File]) -> list[Component]:
    """Return the files with weights, shards of one set together."""
    found: dict[tuple[str, str, str], Component] = {}
    for name in sorted(files):
        suffix = _suffix(name)
        form = SUFFIXES.get(suffix)
        if form is None:
            continue
        match = _SHARD.match(name)
        stem = match["stem"] if match else name.removesuffix(name[-len(suffix) :])
        if _NEVER.match(stem):
            continue
        parallel = bool(_PARALLEL.match(name))
        key = (match["stem"], match["of"], suffix) if match else ("consolidated", "", suffix) if parallel else (name, "", suffix)
        one = found.setdefault(key, Component(stem if not parallel else "consolidated", form, [], parallel=parallel))
        if len(one.files) < MOST_SHARDS:
            one.files.append(files[name])
        else:
            one.complete = False
    for (stem, of, suffix), one in found.items():
        if of:
            _missing(one, stem, of, suffix)
    return list(found.values())


def _missing(one: Component, stem: str, of: str, suffix: str) -> None:
    present = {int(match["part"]) for file in one.files if (match := _SHARD.match(file.name))}
    # Parts are counted from one; a name may claim any number of them.
    absent = [number for number in range(1, min(int(of), MOST_SHARDS) + 1) if number not in present]
    if absent or int(of) > MOST_SHARDS:
        one.complete = False
        path = f"{stem}-{(absent or [0])[0]:0{len(of)}}-of-{of}{suffix}"
        one.findings.append({"code": "missing_shard", "path": path, "facts": {"missing": len(absent), "of": int(of)}})


def _largest(name: str, form: str, sets: list[Component]) -> Component | None:
    """Return the main set of a format: by its name, then sharded before single, then by its bytes."""
    same = [one for one in sets if one.form == form]
    if not same:
        return None
    best = max(same, key=lambda one: (one.name in _MAIN, len(one.files) > 1, one.complete, _bytes(one)))
    return Component(name, form, best.files, findings=list(best.findings), complete=best.complete, parallel=best.parallel)


def _indexed(name: str, form: str, files: dict[str, File], findings: list[dict[str, Any]]) -> Component | None:
    """Return the set that an index lists, or None where there is no index that can be followed."""
    suffix = {"safetensors": ".safetensors", "PyTorch": ".bin"}.get(form)
    index = next((files[one] for one in INDEXES if suffix and one in files and one.endswith(f"{suffix}.index.json")), None)
    if index is None:
        return None
    found = _json(index, findings)
    listed = found.get("weight_map")
    if not isinstance(listed, dict):
        if found:
            findings.append({"code": "index_without_map", "path": index.path, "facts": {}})
        return None
    names = sorted({shard for shard in listed.values() if isinstance(shard, str)})
    outside = [
        shard for shard in names if "/" in shard or "\\" in shard or shard in ("", ".", "..") or SUFFIXES.get(_suffix(shard)) != form
    ]
    if outside or not all(isinstance(shard, str) for shard in listed.values()):
        findings.append(
            {"code": "index_outside", "path": index.path, "facts": {"name": str((outside or [""])[0])[:200], "count": len(outside)}}
        )
    inside = [shard for shard in names if shard not in outside]
    present = [files[shard] for shard in inside if shard in files][:MOST_SHARDS]
    absent = [shard for shard in inside if shard not in files]
    if not present:
        if absent:
            findings.append({"code": "missing_shard", "path": absent[0][:200], "facts": {"missing": len(absent), "of": len(inside)}})
        return None
    one = Component(name, form, present, index=found, complete=not absent and not outside and len(inside) <= MOST_SHARDS)
    if absent:
        one.findings.append({"code": "missing_shard", "path": absent[0][:200], "facts": {"missing": len(absent), "of": len(inside)}})
    return one


def _config(files: dict[str, File], findings: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("params.json", "config.json"):
        if name in files:
            found = _json(files[name], findings) or found
    if "quantize_config.json" in files and not isinstance(found.get("quantization_config"), dict):
        if said := _json(files["quantize_config.json"], findings):
            found = found | {"quantization_config": {"quant_method": "gptq"} | said}
    if "adapter_config.json" in files:
        found = found | {"adapter": _json(files["adapter_config.json"], findings)}
    return found


def _json(file: File, findings: list[dict[str, Any]]) -> dict[str, Any]:
    try:
        if file.name in INDEXES and file.size > LARGEST_INDEX:
            raise Unreadable("index_too_large", limit=LARGEST_INDEX)
        return config.read(file, LARGEST_INDEX if file.name in INDEXES else config.LARGEST)
    except Unreadable as error:
        findings.append({"code": error.code, "path": file.path, "facts": error.facts})
        return {}


def _variant(one: Component) -> dict[str, Any]:
    return {"path": one.files[0].path, "files": len(one.files), "format": one.form, "bytes": _bytes(one)}


def _bytes(one: Component) -> int:
    return sum(file.size for file in one.files)


def _suffix(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot and stem else ""
