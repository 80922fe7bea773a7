"""What one weights file tells: plain data that is kept by the file's contents, so that no file is read twice.

A report is `{"format", "tensors": [[name, dtype, shape, bytes], …], "facts"}`, or `{"format", "error"}` with a stable code.
"""

from typing import Any

from inspection.files import File, Unreadable
from inspection.weights import gguf_keys, onnx, torch_pickles
from repos.weights import gguf, safetensors
from repos.weights.tensors import BadHeader, Header

Report = dict[str, Any]
MOST_TENSORS = 100_000
MOST_NAME = 300
SUFFIXES = {
    ".safetensors": "safetensors",
    ".gguf": "GGUF",
    ".bin": "PyTorch",
    ".pt": "PyTorch",
    ".pth": "PyTorch",
    ".ckpt": "PyTorch",
    ".onnx": "ONNX",
}


def report(file: File) -> Report:
    """Return what the header of `file` tells, by its bytes alone; a damaged one is a report too."""
    form = SUFFIXES[file.suffix]
    try:
        found = _read(form, file)
        if len(found["tensors"]) > MOST_TENSORS:
            raise Unreadable("too_many_tensors")
    except BadHeader as error:
        return {"format": form, "error": error.reason}
    except Unreadable as error:
        return {"format": form, "error": error.code}
    return {"format": form} | found


def _read(form: str, file: File) -> dict[str, Any]:
    match form:
        case "safetensors":
            header = safetensors.read_header(file.read, file.size)
            return _plain(header, {"written_by": clean(header.values["format"])} if "format" in header.values else {})
        case "GGUF":
            header = gguf.read_header(file.read, file.size)
            return _plain(header, gguf_keys.facts(header.values))
        case "PyTorch":
            return _cleaned(torch_pickles.read(file))
        case _:
            return _cleaned(onnx.read(file))


def _plain(header: Header, facts: dict[str, Any]) -> dict[str, Any]:
    return {"tensors": [[clean(item.name), item.dtype, list(item.shape), item.size] for item in header.tensors], "facts": facts}


def _cleaned(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"tensors": [[clean(name), *rest] for name, *rest in found["tensors"]]}


def clean(text: str) -> str:
    """Return `text` as a database keeps it: bounded, without NULs and halves of surrogate pairs."""
    return text[:MOST_NAME].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
