"""Keys, tokens and passwords that stand in files, with the line; what is kept of them is masked.

Our own rules: detect-secrets (last released in May 2024) reads files by path and line, has no rules for the clouds our users use
most (Aliyun, Tencent, Huawei) and reports any high-entropy string, which weights' indexes and hashes are full of. Here a secret has
a form that its issuer documents, and one automaton finds the few bytes each form begins with at some hundred megabytes a second.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ahocorasick_rs import BytesAhoCorasick

from inspection.safety.findings import Finding

REACH = 4096
_BEFORE = rb"(?<![A-Za-z0-9_])"
_AFTER = rb"(?![A-Za-z0-9_-])"
_PLACEHOLDER = re.compile(
    rb"x{4}|0{6}|1{6}|a{6}|\*{3}|\.{3}|1234567|abcdef|example|sample|dummy|placeholder|your|redacted|changeme|<|\$\{|%s|fake|test|\{\{",
    re.I,
)
_WORDS = re.compile(rb"^(pass(word|wd)?|secret|user(name)?|token|pwd|\$.*|%.*|\{.*|<.*|\[.*|\*+|x+|\.+|admin|root|postgres|guest)$", re.I)


@dataclass(frozen=True)
class Rule:
    """A match of `form` starts at one of `begins`; the value is its last group, of at least `least` bits of entropy a character."""

    kind: str
    begins: tuple[bytes, ...]
    form: re.Pattern[bytes]
    least: float = 0.0


def _rule(kind: str, begins: str, form: bytes, least: float = 3.0, flags: int = 0) -> Rule:
    return Rule(kind, tuple(word.encode() for word in begins.split()), re.compile(_BEFORE + form + _AFTER, flags), least)


RULES = (
    Rule(
        "private_key",
        (b"-----BEGIN",),
        re.compile(
            rb"-----BEGIN ((?:RSA |EC |DSA |OPENSSH |ENCRYPTED |ANY )?PRIVATE KEY|PGP PRIVATE KEY BLOCK)-----"
            rb"(?:\\r|\\n|\s|[A-Za-z-]+: [^\r\n]{0,100}[\r\n])*([A-Za-z0-9+/=]{40})"
        ),
    ),
    Rule("private_key", (b"PuTTY-User-Key-File-",), re.compile(rb"PuTTY-User-Key-File-[23]: ([a-z0-9-]+)")),
    _rule("gallery", "agt_", rb"(agt_[A-Za-z0-9_-]{43})"),
    _rule("hugging_face", "hf_", rb"(hf_[A-Za-z0-9]{34})"),
    _rule("aws", "AKIA ASIA", rb"((?:AKIA|ASIA)[A-Z2-7]{16})"),
    _rule(
        "aws",
        "aws_secret_ AWS_SECRET_ SecretAccessKey secretAccessKey",
        rb"(?:aws_secret_access_key|secretaccesskey)[\"']?\s*[:=]\s*[\"']?([A-Za-z0-9/+]{40})",
        3.8,
        re.I,
    ),
    _rule("google", "AIza", rb"(AIza[A-Za-z0-9_-]{35})"),
    _rule("google", "GOCSPX-", rb"(GOCSPX-[A-Za-z0-9_-]{28})"),
    _rule("google", "ya29.", rb"(ya29\.[A-Za-z0-9_-]{60,300})"),
    _rule("azure", "AccountKey=", rb"AccountKey=([A-Za-z0-9+/]{86}==)"),
    _rule("azure", "SharedAccessKey=", rb"SharedAccessKey=([A-Za-z0-9+/]{43}=)"),
    Rule("azure", (b"8Q~", b"7Q~"), re.compile(rb"(?<=[A-Za-z0-9_~.]{3})[78]Q~([A-Za-z0-9_~.-]{31,34})" + _AFTER), 3.5),
    _rule("github", "ghp_ gho_ ghu_ ghs_ ghr_", rb"(gh[pousr]_[A-Za-z0-9]{36,255})"),
    _rule("github", "github_pat_", rb"(github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59})"),
    _rule("gitlab", "glpat- gldt- glrt-", rb"(gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20,64})"),
    _rule("slack", "xoxb- xoxp- xoxa- xoxr- xoxs-", rb"(xox[abprs]-[0-9]{8,14}-[A-Za-z0-9-]{16,120})"),
    _rule("slack", "hooks.slack.com", rb"hooks\.slack\.com/services/(T[A-Z0-9]{8,12}/B[A-Z0-9]{8,12}/[A-Za-z0-9]{24})"),
    _rule("openai", "sk-", rb"(sk-(?:proj-|svcacct-|admin-)?[A-Za-z0-9_-]{20,120}T3BlbkFJ[A-Za-z0-9_-]{20,120})"),
    _rule("openai", "sk-", rb"(sk-[A-Za-z0-9]{48})", 4.0),
    _rule("anthropic", "sk-ant-", rb"(sk-ant-[a-z]{3,6}[0-9]{2}-[A-Za-z0-9_-]{80,120})"),
    _rule("deepseek", "sk-", rb"(sk-[a-f0-9]{32})", 3.0),
    _rule("aliyun", "LTAI", rb"(LTAI[A-Za-z0-9]{12,20})", 3.2),
    _rule("tencent", "AKID", rb"(AKID[A-Za-z0-9]{32})", 3.5),
    _rule(
        "huawei",
        "hw_secret HW_SECRET huaweicloud_sdk_sk HUAWEICLOUD_SDK_SK obs_secret OBS_SECRET",
        rb"(?:hw_secret_key|hw_secret_access_key|huaweicloud_sdk_sk|obs_secret_access_key|obs_secret_key)[\"']?\s*[:=]\s*[\"']?([A-Za-z0-9]{40})",
        3.8,
        re.I,
    ),
    _rule(
        "huawei",
        "hw_access HW_ACCESS huaweicloud_sdk_ak HUAWEICLOUD_SDK_AK",
        rb"(?:hw_access_key|huaweicloud_sdk_ak)[\"']?\s*[:=]\s*[\"']?([A-Z0-9]{20})",
        3.2,
        re.I,
    ),
    _rule("stripe", "sk_live_ rk_live_", rb"([sr]k_live_[A-Za-z0-9]{24,99})"),
    _rule("sendgrid", "SG.", rb"(SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43})"),
    _rule("npm", "npm_", rb"(npm_[A-Za-z0-9]{36})"),
    _rule("pypi", "pypi-AgE", rb"(pypi-AgE[A-Za-z0-9_-]{50,300})"),
    _rule("docker", "dckr_pat_", rb"(dckr_pat_[A-Za-z0-9_-]{27})"),
    _rule("weights_and_biases", "WANDB_API_KEY wandb_api_key", rb"wandb_api_key[\"']?\s*[:=]\s*[\"']?([a-f0-9]{40})", 3.0, re.I),
    _rule("jwt", "eyJ", rb"(eyJ[A-Za-z0-9_-]{10,400}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{20,700})", 4.0),
    Rule(
        "password_in_address",
        (b"://",),
        re.compile(rb"(?<=[a-z0-9])://[^\s/:@\"'<>\\?#]{1,100}:([^\s/@:\"'<>\\?#]{6,200})@[A-Za-z0-9\[][A-Za-z0-9.:\]-]*"),
        2.5,
    ),
)
_KNOWN: dict[bytes, list[Rule]] = {}
for _each in RULES:
    for _begin in _each.begins:
        _KNOWN.setdefault(_begin, []).append(_each)
_BEGINS = list(_KNOWN)
_FINDER = BytesAhoCorasick(_BEGINS)


def secrets(pieces: Iterator[bytes]) -> Iterator[Finding]:
    """Yield the secrets in text that comes in pieces: kind, line from 1, and the first characters; a secret is found once."""
    rest, line = b"", 1
    known: set[tuple[str, bytes]] = set()
    for piece in pieces:
        window = rest + piece
        # What begins in the last stretch may reach beyond it: it is looked at together with the next piece.
        done = max(0, len(window) - REACH)
        yield from _new(window, done, line, known)
        line += window.count(b"\n", 0, done)
        rest = window[done:]
    yield from _new(rest, len(rest), line, known)


def _new(window: bytes, end: int, line: int, known: set[tuple[str, bytes]]) -> Iterator[Finding]:
    for kind, start, value in _matches(window, end):
        if (kind, value) not in known:
            known.add((kind, value))
            facts = {"kind": kind, "line": line + window.count(b"\n", 0, start), "masked": masked(value)}
            yield Finding("secret", "caution", "", facts)


def masked(value: bytes) -> str:
    """Return what may be shown of a secret: its first characters, never more than a quarter, at most eight."""
    return value[: min(8, len(value) // 4)].decode("ascii", "replace") + "…"


def _matches(window: bytes, end: int) -> Iterator[tuple[str, int, bytes]]:
    """Yield kind, start and value of what has the form of a secret and is no placeholder."""
    for index, start, _end in _FINDER.find_matches_as_indexes(window, overlapping=True):
        for rule in _KNOWN[_BEGINS[index]] if start < end else ():
            match = rule.form.match(window, start)
            if match is not None and _real(rule, match[match.lastindex or 0]):
                yield rule.kind, start, match[match.lastindex or 0]


def _real(rule: Rule, value: bytes) -> bool:
    if rule.kind == "private_key":
        return True
    if rule.kind == "password_in_address" and _WORDS.match(value):
        return False
    return not _PLACEHOLDER.search(value) and entropy(value) >= rule.least


def entropy(value: bytes) -> float:
    """Return Shannon's entropy of the bytes, in bits for each."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())
