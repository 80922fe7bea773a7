"""Conversations as the text that a model reads: by the chat template of its tokenizer, or else by ours, which is kept with the model."""

from collections.abc import Sequence
from typing import Any

from toolchain.trainer.builtin.conversations import ASSISTANT, Message

DEFAULT = (
    "{% for message in messages %}"
    "{% if message['role'] == 'system' %}{{ message['content'] | trim + '\\n\\n' }}"
    "{% elif message['role'] == 'user' %}{{ 'User: ' + message['content'] | trim + '\\n\\n' }}"
    "{% else %}{{ 'Assistant: ' + message['content'] | trim + eos_token + '\\n\\n' }}"
    "{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}"
)
"""The system's words, then "User: …" and "Assistant: …" in turn, an empty line after each; every answer ends with the end token."""

Stretch = tuple[int, int]


class Template:
    """The way in which a tokenizer writes conversations, if `needed`. `is_ours` says that it had none; it has now."""

    def __init__(self, tokenizer: Any, *, needed: bool) -> None:
        self.tokenizer = tokenizer
        self.is_ours = needed and not tokenizer.chat_template
        self.rewrites = 0
        if self.is_ours:
            begins = bool(tokenizer.bos_token) and tokenizer("a").input_ids[:1] == [tokenizer.bos_token_id]
            ends = DEFAULT if tokenizer.eos_token else DEFAULT.replace(" + eos_token", "")
            tokenizer.chat_template = ("{{ bos_token }}" if begins else "") + ends

    def render(self, messages: Sequence[Message]) -> tuple[str, list[Stretch]]:
        """Return the text of a conversation and where in it the answers stand, each with what ends it.

        A template may change what it wrote before when more is said; then only the last answer counts, and `rewrites` is one more.
        Where even that cannot be told apart, there is no answer.
        """
        whole = self._text(messages, prompt=False)
        answers = [
            (len(before), self._end(whole, len(before), len(after)))
            for index, message in enumerate(messages)
            if message.role == ASSISTANT and message.content.strip()
            if whole.startswith(before := self._text(messages[:index], prompt=True))
            if whole.startswith(after := self._text(messages[: index + 1], prompt=False))
        ]
        if len(answers) < sum(message.role == ASSISTANT and bool(message.content.strip()) for message in messages):
            self.rewrites += 1
        return whole, answers

    def _end(self, whole: str, start: int, end: int) -> int:
        """Return where an answer ends: behind its end token, as what a template writes between messages is not for the model to say."""
        token = self.tokenizer.eos_token
        at = whole.rfind(token, start, end) if token else -1
        return end if at < 0 else at + len(token)

    def _text(self, messages: Sequence[Message], *, prompt: bool) -> str:
        described = [{"role": message.role, "content": message.content} for message in messages]
        return str(self.tokenizer.apply_chat_template(described, tokenize=False, add_generation_prompt=prompt))
