"""What was uploaded is read before somebody's eyes: the strip stops by itself, marks and figures come along."""

import json
import re
import struct
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.person import Person

# Opcodes by hand: `os.system("true")`. Nothing ever loads it.
EVIL = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R."
LONG = 180_000
"""The scan waits behind everything else that was uploaded."""
BUILD = {
    "model_type": "llama", "architectures": ["LlamaForCausalLM"], "num_hidden_layers": 2, "hidden_size": 16, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 64, "max_position_embeddings": 32768, "intermediate_size": 40,
}  # fmt: skip


def weights() -> bytes:
    header = json.dumps({"model.layers.0.mlp.up_proj.weight": {"dtype": "BF16", "shape": [40, 16], "data_offsets": [0, 1280]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(1280)


def upload(person: Person, path: str, files: list[Path]) -> None:
    page = person.open(f"{path}/upload")
    page.locator("[data-up-pick]").set_input_files(files)
    button = page.get_by_role("button", name="Commit upload")
    expect(button).to_have_attribute("aria-disabled", "false")
    button.click()
    page.wait_for_url(re.compile(r"/files/main$"))


def test_dangerous_upload_is_found_while_its_owner_watches(owner: Person, tmp_path: Path) -> None:
    (tmp_path / "weights.pkl").write_bytes(EVIL)
    (tmp_path / "model.safetensors").write_bytes(weights())
    (tmp_path / "config.json").write_text(json.dumps(BUILD))
    path = owner.make("suspicious")
    upload(owner, path, sorted(tmp_path.iterdir()))
    page = owner.page
    expect(page.locator("#activity strong")).to_have_text("The files are read.", timeout=LONG)
    expect(page.locator("#activity")).to_contain_text("1 dangerous file")
    row = page.locator(".files tbody tr").filter(has=page.get_by_role("link", name="weights.pkl", exact=True))
    expect(row.locator(".badge-danger")).to_have_text("Dangerous")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/activity/" in request.url else None)
    # Longer than two rounds of asking.
    page.wait_for_timeout(7_000)
    assert asked == []

    # The list with its marks comes along, and the strip with it.
    expect(page.locator("#files [hx-get][hidden]")).to_have_count(0)
    page.locator("#activity summary").click()
    expect(page.locator(".activity-steps li")).to_contain_text(["Custom model specification", "Model headers", "Safety scan"])
    page.get_by_role("link", name="weights.pkl", exact=True).click()
    expect(page.locator(".note-danger")).to_contain_text("Loading this pickle reaches os.system")

    owner.open(path)
    expect(page.locator(".head-seals")).to_contain_text("Dangerous files")
    expect(page.locator("#safety")).to_contain_text("weights.pkl")
    expect(page.locator("#memory")).to_contain_text("Fits 8 GB at 8k")
    page.get_by_label("Context, tokens").fill("32768")
    page.get_by_role("button", name="Work out").click()
    page.wait_for_url(re.compile(r"context=32768"))
    expect(page.locator("#memory")).to_contain_text("Fits 8 GB at 32k")
    page.get_by_role("link", name="1 tensor").click()
    expect(page.locator("#tensors tbody th").last).to_have_text("model.layers.0.mlp.up_proj.weight")


def test_step_begins_again_by_button(owner: Person, tmp_path: Path) -> None:
    (tmp_path / "weights.pkl").write_bytes(EVIL)
    path = owner.make("again")
    upload(owner, path, [tmp_path / "weights.pkl"])
    page = owner.page
    expect(page.locator("#activity strong")).to_have_text("The files are read.", timeout=LONG)
    # The list with its marks comes along, and the strip with it.
    expect(page.locator("#files [hx-get][hidden]")).to_have_count(0)
    page.locator("#activity summary").click()
    page.get_by_role("button", name="Read again Safety scan").click()
    page.wait_for_url(re.compile(r"/files/main$"))
    expect(page.locator("#activity strong")).to_have_text("The files are read.", timeout=LONG)
    expect(page.locator("#activity")).to_contain_text("1 dangerous file")
