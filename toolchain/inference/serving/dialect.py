"""OpenAI's API: requests as frames for the worker, pieces of the worker as answers.

What has an effect here is checked; parameters that would change the answer and are not supported are refused by name; others, such as
`user` or `metadata`, have no effect.
"""

import json
import math
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

from .server import Refusal

MOST_CHOICES = 8
MOST_TEXTS = 32
_MOST_STOPS = 16
_MOST_STOP = 256
_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
# What each would change cannot be done; the values that change nothing are taken.
_UNSUPPORTED: dict[str, tuple[Any, ...]] = {
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
    "web_search_options": (),
    "response_format": ({"type": "text"},),
    "suffix": ("",),
    "echo": (False,),
}


@dataclass
class Wanted:
    """A request that was understood: the frame for the worker, and how to answer."""

    chat: bool
    frame: dict[str, Any]
    model: str
    stream: bool = False
    include_usage: bool = False
    name: str = ""
    created: int = field(default_factory=lambda: int(time.time()))

    def __post_init__(self) -> None:
        self.name = f"{'chatcmpl' if self.chat else 'cmpl'}-{uuid.uuid4().hex}"


class Fields:
    """Reads the fields of a JSON object; null is as good as absent. Raises `Refusal` (400) with the name of the field."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body

    def get(self, name: str) -> Any:
        return self._body.get(name)

    def bad(self, name: str, sentence: str) -> Refusal:
        return Refusal(400, "value_invalid", f"“{name}” must be {sentence}.", param=name)

    def number(self, name: str, low: float, high: float, default: float) -> float:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and low <= value <= high):
            raise self.bad(name, f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, name: str, low: int, high: int, default: int | None) -> int | None:
        value = self._body.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.bad(name, f"a whole number from {low} to {high}" if high < 1 << 62 else f"a whole number from {low}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._body.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.bad(name, "true or false")
        return default if value is None else value

    def text(self, name: str) -> str | None:
        value = self._body.get(name)
        if value is not None and not isinstance(value, str):
            raise self.bad(name, "text")
        return value


def parse(data: bytes) -> dict[str, Any]:
    """Return a body that is a JSON object. Raises `Refusal`."""
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "json_invalid", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise Refusal(400, "json_invalid", "The body must be a JSON object.")
    return body


def chat(body: dict[str, Any], names: list[str]) -> Wanted:
    """Understand a request to `/v1/chat/completions`."""
    fields = Fields(body)
    frame = _common(fields) | {"prompts": [{"messages": messages(body.get("messages"))}], "chat": True}
    most = "max_tokens" if body.get("max_completion_tokens") is None else "max_completion_tokens"
    frame["most"] = fields.whole(most, 1, 1 << 62, None)
    top = fields.whole("top_logprobs", 0, 20, None)
    if top is not None and not fields.flag("logprobs"):
        raise Refusal(400, "value_invalid", "“top_logprobs” needs “logprobs”: true.", param="top_logprobs")
    if fields.flag("logprobs"):
        frame["sampling"]["logprobs"] = top or 0
    return _wanted(True, frame, fields, names)


def completion(body: dict[str, Any], names: list[str]) -> Wanted:
    """Understand a request to `/v1/completions`."""
    fields = Fields(body)
    frame = _common(fields) | {"prompts": _prompts(body.get("prompt"))}
    frame["most"] = fields.whole("max_tokens", 1, 1 << 62, 16)
    top = fields.whole("logprobs", 0, 20, None)
    if top is not None:
        frame["sampling"]["logprobs"] = top
    if fields.whole("best_of", 1, 20, frame["n"]) != frame["n"]:
        raise Refusal(400, "parameter_unsupported", "“best_of” other than “n” is not supported.", param="best_of")
    return _wanted(False, frame, fields, names)


def _wanted(is_chat: bool, frame: dict[str, Any], fields: Fields, names: list[str]) -> Wanted:
    model = fields.text("model")
    if model is not None and model not in names:
        raise Refusal(404, "model_not_found", f"There is no model “{model}” here. Ask for “{names[0]}”.", param="model")
    options = fields.get("stream_options")
    if options is not None and not isinstance(options, dict):
        raise fields.bad("stream_options", "an object")
    stream = fields.flag("stream")
    if len(frame["prompts"]) * frame["n"] > MOST_TEXTS:
        raise Refusal(400, "value_invalid", f"At most {MOST_TEXTS} texts can be asked for at once.", param="n")
    usage = Fields(options or {}).flag("include_usage")
    return Wanted(is_chat, frame, model or names[0], stream, stream and usage)


def _common(fields: Fields) -> dict[str, Any]:
    for name, harmless in _UNSUPPORTED.items():
        value = fields.get(name)
        if value is not None and value not in harmless:
            raise Refusal(400, "parameter_unsupported", f"“{name}” is not supported by this service.", param=name)
    stops = fields.get("stop")
    stops = [stops] if isinstance(stops, str) else stops or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) and 0 < len(stop) <= _MOST_STOP for stop in stops):
        raise fields.bad("stop", f"text of 1 to {_MOST_STOP} characters, or a list of such")
    if len(stops) > _MOST_STOPS:
        raise fields.bad("stop", f"a list of at most {_MOST_STOPS}")
    return {
        "op": "generate",
        "n": fields.whole("n", 1, MOST_CHOICES, 1),
        "stops": stops,
        "ignore_ends": fields.flag("ignore_eos"),
        "sampling": {
            "temperature": fields.number("temperature", 0, 2, 1),
            "top_p": fields.number("top_p", 0, 1, 1) or 1e-9,
            "top_k": max(0, fields.whole("top_k", -1, 1 << 20, 0) or 0),
            "min_p": fields.number("min_p", 0, 1, 0),
            "presence": fields.number("presence_penalty", -2, 2, 0),
            "frequency": fields.number("frequency_penalty", -2, 2, 0),
            "repetition": fields.number("repetition_penalty", 0.01, 10, 1),
            "bias": _bias(fields),
            "seed": fields.whole("seed", -(1 << 63), (1 << 63) - 1, None),
        },
    }


def _bias(fields: Fields) -> dict[str, float]:
    value = fields.get("logit_bias") or {}
    if not isinstance(value, dict) or len(value) > 1024:
        raise fields.bad("logit_bias", "an object of tokens and numbers")
    for token, bias in value.items():
        fit = token.isascii() and token.isdigit() and len(token) < 10 and not isinstance(bias, bool) and isinstance(bias, int | float)
        if not fit or not -100 <= bias <= 100:
            raise fields.bad("logit_bias", "an object that maps tokens to numbers from -100 to 100")
    return value


def messages(value: Any) -> list[dict[str, str]]:
    """Return the messages of a conversation, each with `role` and `content` as text. Raises `Refusal`."""
    if not isinstance(value, list) or not value:
        raise Refusal(400, "messages_invalid", "“messages” must be a list that is not empty.", param="messages")
    found = []
    for number, message in enumerate(value):
        if not isinstance(message, dict) or message.get("role") not in _ROLES:
            raise Refusal(400, "messages_invalid", f"Message {number} needs a “role”: {', '.join(_ROLES[:4])}.", param="messages")
        role = "system" if message["role"] == "developer" else str(message["role"])
        found.append({"role": role, "content": _content(message.get("content"), number)})
    return found


def _content(value: Any, number: int) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    parts: list[Any] = value if isinstance(value, list) else [None]
    if not all(isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str) for part in parts):
        raise Refusal(400, "messages_invalid", f"The content of message {number} must be text.", param="messages")
    return "".join(str(part["text"]) for part in parts)


def _prompts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, str):
        return [{"text": value}]
    if _is_tokens(value):
        return [{"tokens": value}]
    if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
        return [{"text": each} for each in value]
    if isinstance(value, list) and value and all(_is_tokens(each) for each in value):
        return [{"tokens": each} for each in value]
    raise Refusal(400, "value_invalid", "“prompt” must be text, a list of texts, or lists of tokens.", param="prompt")


def _is_tokens(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in value)
    )


def usage(prompt: int, completed: int) -> dict[str, int]:
    """Return the counts of tokens of an answer."""
    return {"prompt_tokens": prompt, "completion_tokens": completed, "total_tokens": prompt + completed}


def _head(wanted: Wanted, kind: str) -> dict[str, Any]:
    return {"id": wanted.name, "object": kind, "created": wanted.created, "model": wanted.model}


def whole(wanted: Wanted, texts: dict[int, dict[str, Any]], counts: dict[str, int]) -> dict[str, Any]:
    """Return the answer to a request that is not streamed; `texts` maps an index to `text`, `finish` and `logprobs`."""
    choices = []
    for index in sorted(texts):
        text = texts[index]
        said: dict[str, Any] = {"index": index, "finish_reason": text["finish"], "logprobs": _logprobs(wanted, text["logprobs"], 0)}
        said |= {"message": {"role": "assistant", "content": text["text"], "refusal": None}} if wanted.chat else {"text": text["text"]}
        choices.append(said)
    return _head(wanted, "chat.completion" if wanted.chat else "text_completion") | {"choices": choices, "usage": counts}


def opening(wanted: Wanted, index: int) -> dict[str, Any]:
    """Return the first piece of a streamed text of a conversation, which names the role."""
    choice = {"index": index, "delta": {"role": "assistant", "content": ""}, "logprobs": None, "finish_reason": None}
    return _head(wanted, "chat.completion.chunk") | {"choices": [choice]} | ({"usage": None} if wanted.include_usage else {})


def piece(wanted: Wanted, choice: dict[str, Any], written: int) -> dict[str, Any]:
    """Return a piece of a streamed text, which begins at character `written`."""
    said: dict[str, Any] = {"index": choice["index"]}
    if wanted.chat:
        said["delta"] = {"content": choice["text"]} if choice["text"] else {}
    else:
        said["text"] = choice["text"]
    said |= {"logprobs": _logprobs(wanted, choice.get("logprobs"), written), "finish_reason": choice.get("finish")}
    kind = "chat.completion.chunk" if wanted.chat else "text_completion"
    return _head(wanted, kind) | {"choices": [said]} | ({"usage": None} if wanted.include_usage else {})


def closing(wanted: Wanted, counts: dict[str, int]) -> dict[str, Any]:
    """Return the piece that tells the counts of tokens, after all others."""
    return _head(wanted, "chat.completion.chunk" if wanted.chat else "text_completion") | {"choices": [], "usage": counts}


def _logprobs(wanted: Wanted, given: list[dict[str, Any]] | None, written: int) -> dict[str, Any] | None:
    if not given:
        return None
    if wanted.chat:
        return {
            "content": [_token(each["token"], each["logprob"]) | {"top_logprobs": [_token(*top) for top in each["top"]]} for each in given]
        }
    offsets = []
    for each in given:
        offsets.append(written)
        written += len(each["token"])
    return {
        "tokens": [each["token"] for each in given],
        "token_logprobs": [each["logprob"] for each in given],
        "top_logprobs": [dict(each["top"]) for each in given] if given[0]["top"] else None,
        "text_offset": offsets,
    }


def _token(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "backslashreplace"))}
