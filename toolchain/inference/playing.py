"""The playground as plain forms: what was typed becomes a request of the service's dialect, its answer something to show."""

import json
import secrets
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toolchain.inference.asking import Reply, ask
from toolchain.inference.models import Service

MOST_TEXT = 200_000
MOST_MESSAGES = 200
ROLES = ("user", "assistant")
TOKENS = 512
_IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
MOST_IMAGES = 16


class SamplingForm(forms.Form):
    """How a text is written."""

    temperature = forms.FloatField(min_value=0, max_value=2, initial=0.7, required=False)
    top_p = forms.FloatField(min_value=0, max_value=1, initial=0.9, required=False)
    max_tokens = forms.IntegerField(min_value=1, max_value=1_000_000, initial=TOKENS, required=False)

    @property
    def sampling(self) -> dict[str, Any]:
        """The parameters of the request; what was left empty is the service's business."""
        return {name: self.cleaned_data[name] for name in SamplingForm.base_fields if self.cleaned_data.get(name) is not None}


class ChatForm(SamplingForm):
    """One more message of a conversation, which the form itself carries."""

    system = forms.CharField(label=gettext_lazy("System prompt"), max_length=20_000, required=False)
    message = forms.CharField(label=gettext_lazy("Message"), max_length=MOST_TEXT)
    history = forms.CharField(max_length=4 * MOST_TEXT, required=False)

    def clean_history(self) -> list[dict[str, str]]:
        return messages_in(self.cleaned_data["history"])


class CompletionForm(SamplingForm):
    """A text to be continued."""

    prompt = forms.CharField(label=gettext_lazy("Text to continue"), max_length=MOST_TEXT, strip=False)


class AnswersForm(forms.Form):
    """A question about a text."""

    context = forms.CharField(label=gettext_lazy("Text"), max_length=MOST_TEXT)
    question = forms.CharField(label=gettext_lazy("Question"), max_length=4000)


class RequestForm(forms.Form):
    """A request to a model's own script: JSON, or a file with parameters."""

    body = forms.CharField(label=gettext_lazy("Request"), max_length=MOST_TEXT, required=False)
    file = forms.FileField(label=gettext_lazy("File"), required=False)
    parameters = forms.CharField(label=gettext_lazy("Parameters"), max_length=20_000, required=False)

    def clean_body(self) -> Any:
        return _json(self.cleaned_data["body"] or "null")

    def clean_parameters(self) -> dict[str, Any]:
        found = _json(self.cleaned_data["parameters"] or "{}")
        if not isinstance(found, dict):
            raise forms.ValidationError(_("Parameters must be a JSON object."))
        return found


@dataclass(frozen=True)
class Turn:
    """What was asked and what came back, for the page; `messages` are the conversation with the answer, `marked` the text around an answer in it."""

    reply: Reply
    messages: Sequence[Mapping[str, str]] = ()
    text: str = ""
    marked: tuple[str, str, str] | None = None
    score: float | None = None

    @property
    def history(self) -> str:
        """The conversation as the form carries it on."""
        return json.dumps(list(self.messages), ensure_ascii=False)

    @property
    def images(self) -> list[str]:
        """The images of the answer, as addresses that hold them."""
        return images_in(self.reply.json)


def converse(request: HttpRequest, service: Service, form: ChatForm) -> Turn:
    """Send the conversation with one message more; where that fails, the turn has the conversation as it was."""
    cleaned = form.cleaned_data
    asked = [*cleaned["history"], {"role": "user", "content": cleaned["message"]}]
    system = [{"role": "system", "content": cleaned["system"]}] if cleaned["system"] else []
    reply = _post(request, service, "/v1/chat/completions", {"model": service.name, "messages": [*system, *asked], **form.sampling})
    found = _choice(reply).get("message")
    content = found.get("content") if isinstance(found, dict) else None
    if not reply.ok or not isinstance(content, str):
        return Turn(reply, cleaned["history"], cleaned["message"])
    return Turn(reply, [*asked, {"role": "assistant", "content": content}])


def complete(request: HttpRequest, service: Service, form: CompletionForm) -> Turn:
    """Have a text continued."""
    reply = _post(request, service, "/v1/completions", {"model": service.name, "prompt": form.cleaned_data["prompt"], **form.sampling})
    found = _choice(reply).get("text")
    return Turn(reply, text=found if isinstance(found, str) else "")


def answer(request: HttpRequest, service: Service, form: AnswersForm) -> Turn:
    """Ask a question about a text."""
    context = form.cleaned_data["context"]
    reply = _post(request, service, "/predict", {"question": form.cleaned_data["question"], "context": context})
    found = reply.json if reply.ok and isinstance(reply.json, dict) else {}
    start, end, score = found.get("start"), found.get("end"), found.get("score")
    marked = None
    if isinstance(start, int) and isinstance(end, int) and 0 <= start < end <= len(context):
        marked = context[:start], context[start:end], context[end:]
    text = found.get("answer")
    return Turn(reply, (), text if isinstance(text, str) else "", marked, float(score) if isinstance(score, int | float) else None)


def send(request: HttpRequest, service: Service, form: RequestForm) -> Turn:
    """Send a request to a model's own script."""
    cleaned = form.cleaned_data
    if cleaned.get("file"):
        body, kind = multipart(cleaned["file"], cleaned["parameters"])
        return Turn(ask(request, service, "/predict", body, kind))
    return Turn(_post(request, service, "/predict", cleaned["body"]))


def multipart(file: Any, parameters: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return a form (RFC 7578) with a file and parameters, and its media type."""
    boundary = secrets.token_hex(16)
    name = "".join(letter for letter in str(file.name or "file") if letter.isprintable() and letter not in '"\\')[:200] or "file"
    kind = str(file.content_type or "")
    kind = kind if kind.isascii() and kind.isprintable() and "/" in kind else "application/octet-stream"
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="parameters"\r\n\r\n{json.dumps(dict(parameters))}\r\n'
    head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\nContent-Type: {kind}\r\n\r\n'
    return head.encode() + file.read() + f"\r\n--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def messages_in(text: str) -> list[dict[str, str]]:
    """Return the conversation that a form carried. Raises `ValidationError` for anything else."""
    found = _json(text or "[]")
    wrong = forms.ValidationError(_("The conversation cannot be read. Clear it and begin again."))
    if not isinstance(found, list) or len(found) > MOST_MESSAGES:
        raise wrong
    for each in found:
        if (
            not isinstance(each, dict)
            or set(each) != {"role", "content"}
            or each["role"] not in ROLES
            or not isinstance(each["content"], str)
        ):
            raise wrong
    return found


def images_in(value: Any) -> list[str]:
    """Return the images inside an answer, `data:` addresses and objects with `content_type` and `data`, as `data:` addresses; at most 16."""
    found: list[str] = []
    waiting = deque([value])
    while waiting and len(found) < MOST_IMAGES:
        here = waiting.popleft()
        if isinstance(here, dict):
            kind, data = here.get("content_type"), here.get("data")
            if kind in _IMAGES and isinstance(data, str) and _is_base64(data):
                found.append(f"data:{kind};base64,{data}")
            else:
                waiting += here.values()
        elif isinstance(here, list):
            waiting += here
        elif isinstance(here, str) and here.startswith("data:image/"):
            kind, mark, data = here.removeprefix("data:").partition(";base64,")
            if mark and kind in _IMAGES and _is_base64(data):
                found.append(here)
    return found


def _is_base64(text: str) -> bool:
    return text.isascii() and text.replace("+", "").replace("/", "").rstrip("=").isalnum()


def _post(request: HttpRequest, service: Service, path: str, body: Any) -> Reply:
    return ask(request, service, path, json.dumps(body, ensure_ascii=False).encode(), "application/json")


def _choice(reply: Reply) -> dict[str, Any]:
    found = reply.json if reply.ok else None
    choices = found.get("choices") if isinstance(found, dict) else None
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        reason = _("line %(line)s, character %(column)s: %(reason)s") % {
            "line": error.lineno, "column": error.colno, "reason": error.msg,
        }  # fmt: skip
        raise forms.ValidationError(_("Not valid JSON: %(reason)s") % {"reason": reason}) from error
    except (ValueError, RecursionError) as error:
        raise forms.ValidationError(_("Not valid JSON: %(reason)s") % {"reason": _("it is nested too deeply")}) from error
