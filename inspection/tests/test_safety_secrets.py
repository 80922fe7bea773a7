"""Secrets in text: each form with its line and mask; what only looks like one is none."""

import base64
import json
import random

import pytest

from accounts.models import AccessToken
from inspection.safety.secrets import REACH, masked, secrets
from inspection.tests.safety_made import cell, codes, notebook, scanned, zipped

LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def letters(count: int, alphabet: str = LETTERS) -> str:
    return "".join(random.Random(count).choices(alphabet, k=count))


UPPER, HEX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789abcdef"
KEY = "-----BEGIN {0}-----\n" + base64.b64encode(random.Random(1).randbytes(48)).decode() + "\n"
JWT = ".".join(
    base64.urlsafe_b64encode(part).decode().rstrip("=")
    for part in (b'{"alg":"HS256","typ":"JWT"}', b'{"sub":"42","name":"Ann"}', random.Random(2).randbytes(32))
)
FOUND = {
    "private_key": [
        KEY.format("RSA PRIVATE KEY"), KEY.format("PRIVATE KEY"), KEY.format("OPENSSH PRIVATE KEY"), KEY.format("PGP PRIVATE KEY BLOCK"),
        json.dumps({"private_key": KEY.format("PRIVATE KEY")}), "PuTTY-User-Key-File-3: ssh-ed25519\n",
    ],
    "gallery": [f"TOKEN=agt_{letters(43)}"],
    "hugging_face": [f"HF_TOKEN=hf_{letters(34)}", f'login("hf_{letters(34)}")'],
    "aws": [f"AKIA{letters(16, UPPER)}", f"aws_secret_access_key = {letters(40)}"],
    "google": [f"AIza{letters(35)}", f"GOCSPX-{letters(28)}"],
    "azure": [f"AccountKey={letters(86)}==", f"SharedAccessKey={letters(43)}="],
    "github": [f"ghp_{letters(36)}", f"github_pat_{letters(22)}_{letters(59)}"],
    "gitlab": [f"glpat-{letters(20)}"],
    "slack": [f"xoxb-248163264128-{letters(24)}"],
    "openai": [f"sk-proj-{letters(40)}T3BlbkFJ{letters(40)}", f"sk-{letters(48)}"],
    "anthropic": [f"sk-ant-api03-{letters(93)}"],
    "deepseek": [f"sk-{letters(32, HEX)}"],
    "aliyun": [f"LTAI{letters(20)}"],
    "tencent": [f"AKID{letters(32)}"],
    "huawei": [f"HW_SECRET_KEY={letters(40)}", f"HUAWEICLOUD_SDK_AK: {letters(20, UPPER)}"],
    "stripe": [f"sk_live_{letters(24)}"],
    "npm": [f"npm_{letters(36)}"],
    "weights_and_biases": [f"WANDB_API_KEY={letters(40, HEX)}"],
    "jwt": [f"Authorization: Bearer {JWT}"],
    "password_in_address": ["postgresql://ann:k3X9qQ7z@db.internal/gallery", "https://bot:k3X9qQ7z@github.com/a/b.git"],
}  # fmt: skip
NONE = [
    "hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "HF_TOKEN=hf_your_token_here", f"hf_{'a' * 34}", "AKIAIOSFODNN7EXAMPLE", "sk-" + "0" * 48,
    "https://user:password@host/x", "postgres://postgres:postgres@localhost/x", "http://$USER:$PASSWORD@host", "redis://:@localhost",
    "https://cdn.site.org:8080/a@b", "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", "sk-learn", "-----BEGIN PUBLIC KEY-----\nMIIB",
    "-----BEGIN PRIVATE KEY-----\n...\n", f"xhf_{letters(34)}", f"hf_{letters(35)}", '"eyJ": "eyJhbGciOi"', "agt_short", "ghp_" + "x" * 36,
]  # fmt: skip


def found(text: str):
    return list(secrets(iter([text.encode()])))


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in FOUND.items() for text in texts])
def test_secret_is_found_once_with_its_line_and_never_shown(kind, text):
    (finding,) = found(f"first\n\n  {text}\nlast\n")
    assert (finding.code, finding.severity, finding.facts["kind"], finding.facts["line"]) == ("secret", "caution", kind, 3)
    shown = finding.facts["masked"].removesuffix("…")
    assert len(shown) <= 8


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_a_secret_is_none(text):
    assert found(text) == []


@pytest.mark.django_db
def test_our_own_tokens_are_known(alice):
    (finding,) = found(AccessToken(user=alice, name="x").issue())
    assert finding.facts["kind"] == "gallery"


def test_line_and_value_hold_across_pieces():
    token = f"hf_{letters(34)}"
    text = b"x\n" * 5000 + token.encode() + b"\n" + b"y\n" * 5000
    at = text.index(b"hf_")
    for cut in (at, at + 1, at + 20, at + 37, at - REACH, at + 37 + REACH):
        (finding,) = list(secrets(iter([text[:cut], text[cut:]])))
        assert (finding.facts["line"], finding.facts["masked"]) == (5001, f"{token[:8]}…")


def test_mask_shows_at_most_a_quarter():
    assert [masked(b"abcdefgh"), masked(b"x" * 100)] == ["ab…", "xxxxxxxx…"]


def test_secret_in_a_notebook_and_in_an_archive():
    token = f"ghp_{letters(36)}"
    assert codes(scanned("n.ipynb", notebook(cell(f"login('{token}')")))) == ["secret"]
    (finding,) = scanned("d.zip", zipped({"a/.env": f"T={token}"})).findings
    assert (finding.code, finding.where) == ("secret", "a/.env")


def test_secret_in_wide_text():
    assert codes(scanned("a.txt", f"k\nhf_{letters(34)}\n".encode("utf-16"))) == ["secret"]


def test_beginning_of_a_large_text_is_not_all_of_it():
    scan = scanned("a.txt", "x\n" * 1000, limit=1000)
    assert (scan.verdict, codes(scan)) == ("unscanned", ["too_large"])
