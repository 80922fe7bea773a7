"""Sentences for what is wrong with weights, and for what cannot be told of their memory, by code."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

_DAMAGED = gettext_lazy("The header is damaged (%(code)s). Upload the file again.")
_STRANGE = gettext_lazy("This is not what its name says (%(code)s). Upload it in its format, or rename it.")
_BEYOND = gettext_lazy("There is more in it than is read here (%(code)s), so it is not counted.")
PROBLEMS: dict[str, Promise] = {
    **dict.fromkeys(
        [
            "bad_alignment", "bad_archive", "bad_external", "bad_field", "bad_metadata", "bad_pickle", "bad_shape", "bad_storage",
            "bad_tensor", "bad_varint", "bad_wire_type", "gap_in_offsets", "header_not_json", "header_past_end", "length_past_end",
            "offset_out_of_range", "overlapping_offsets", "size_mismatch", "storage_missing", "too_short", "truncated",
        ],
        _DAMAGED,
    ),
    **dict.fromkeys(["not_gguf", "not_onnx", "not_pytorch", "no_tensors", "unknown_version", "unknown_compression"], _STRANGE),
    **dict.fromkeys(
        [
            "directory_too_long", "header_too_long", "header_too_long_to_show", "index_too_large", "name_too_long", "pickle_depth",
            "pickle_globals", "pickle_memo", "pickle_opcodes", "pickle_stack", "pickle_too_long", "string_too_long", "too_many_entries",
            "too_many_fields", "too_many_files", "too_many_tensors", "nested_too_deep", "out_of_memory", "out_of_time", "crashed",
        ],
        _BEYOND,
    ),
    "config_not_json": gettext_lazy("It is not a JSON object, so the build of the model is not known. Mend it and commit."),
    "config_too_large": gettext_lazy("It is too large for a configuration, so the build of the model is not known."),
    "missing_shard": gettext_lazy("%(missing)s of %(of)s files of these weights are missing, this one first. Upload the rest."),
    "index_without_map": gettext_lazy("The index names no tensors, so it was left out."),
    "index_outside": gettext_lazy("The index names files that are none of these weights, “%(name)s” first. They were left out."),
    "tensor_twice": gettext_lazy("The tensor “%(name)s” stands in %(other)s too and is counted once."),
    "tensor_missing": gettext_lazy("The index says that %(count)s tensors stand here that do not, “%(name)s” first."),
    "not_in_index": gettext_lazy("%(count)s tensors are not in the index, “%(name)s” first."),
    "wrong_total": gettext_lazy("The stated total of %(stated)s does not fit what is there, %(found)s."),
    "external_missing": gettext_lazy("The file “%(name)s” with its data is missing. Upload it beside this one."),
    "external_outside": gettext_lazy("It keeps its data outside the repository, so it is not counted."),
    "external_too_short": gettext_lazy("The file “%(name)s” with its data is too short. Upload it again."),
}  # fmt: skip
REASONS: dict[str, Promise] = {
    "no_config": gettext_lazy("config.json does not say how the model is built. Add it beside the weights."),
    "recurrent": gettext_lazy("it keeps a state instead of keys and values, whose size its configuration does not tell."),
    "hybrid": gettext_lazy("it mixes attention with states whose size its configuration does not tell."),
    "encoder_decoder": gettext_lazy("an encoder and a decoder keep them apart, which this estimate does not cover."),
    "pipeline": gettext_lazy("a pipeline of several models is not covered by this estimate."),
    "not_generative": gettext_lazy("it does not generate word by word, so there is nothing to keep."),
    "unknown_size": gettext_lazy("not all files of the weights are there and readable."),
    "packed": gettext_lazy("how the numbers are packed is not known, so they cannot be counted."),
    "quantised": gettext_lazy("quantised weights cannot be trained as they are. Start from the weights they were made from."),
}


def problem_sentence(code: str, path: str, facts: Mapping[str, Any]) -> str:
    """Return what is wrong with the file at `path`, and what to do."""
    text = str(PROBLEMS.get(code, _DAMAGED)) % {"code": code, **{name: _shown(value) for name, value in _all(facts).items()}}
    return _("%(path)s: %(problem)s") % {"path": path, "problem": text} if path else text


def reason_sentence(code: str) -> str:
    """Return why a term of an estimate cannot be told."""
    return str(REASONS.get(code, REASONS["no_config"]))


def _all(facts: Mapping[str, Any]) -> dict[str, Any]:
    return dict.fromkeys(("missing", "of", "name", "other", "count", "stated", "found"), "…") | {
        k: v for k, v in facts.items() if v is not None
    }


def _shown(value: Any) -> str:
    return f"{value:,}" if type(value) is int else str(value)
