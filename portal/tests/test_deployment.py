"""What describes the production set-up names only what exists."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from portal.env import VARIABLES
from portal.management.commands.up import PARTS

ROOT = Path(settings.BASE_DIR)
KNOWN = {*VARIABLES, *(f"{name}_FILE" for name in VARIABLES)}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((ROOT / "compose.yaml").read_text()))


def test_compose_runs_every_part_with_known_settings(compose: dict[str, Any]) -> None:
    ours = {name: service for name, service in compose["services"].items() if service.get("image") == "gallery:latest"}

    assert {name: service["command"] for name, service in ours.items()} == {part: ["up", part] for part in PARTS}
    for service in ours.values():
        assert set(service["environment"]) - KNOWN == set()
        assert service["read_only"] is True


def test_compose_names_only_services_secrets_and_volumes_that_exist(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert set(service.get("depends_on", {})) <= set(compose["services"])
        assert set(service.get("secrets", [])) <= set(compose["secrets"])
        assert {volume.split(":")[0] for volume in service.get("volumes", [])} <= set(compose["volumes"])


def test_image_sets_known_settings_and_is_not_root() -> None:
    text = (ROOT / "Dockerfile").read_text()
    environment = re.search(r"^ENV PATH=.*?[^\\]$", text, re.MULTILINE | re.DOTALL)
    assert environment
    names = set(re.findall(r"([A-Z_]+)=", environment[0])) - {"PATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}

    assert names == {"DATA_DIR", "STATIC_DIR", "HOST", "PORT", "LOG_FORMAT"}
    assert names <= KNOWN
    assert re.findall(r"^USER (\w+)$", text, re.MULTILINE) == ["gallery"]
    assert "HEALTHCHECK" in text


@pytest.mark.parametrize("page", ["deploy", "upgrade", "run-as-root"])
def test_how_to_names_only_settings_that_exist(page: str) -> None:
    text = (ROOT / "docs" / "how-to" / f"{page}.md").read_text()

    assert set(re.findall(r"`([A-Z][A-Z0-9]*_[A-Z0-9_]+)[`=]", text)) - KNOWN == set()
