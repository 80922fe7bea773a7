"""A call of REST as somebody types it."""

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings


def call_of(path: str, body: Mapping[str, Any]) -> str:
    """Return the command that sends `body` to a path of REST."""
    text = json.dumps(body, ensure_ascii=False, indent=2).replace("'", "'\\''")
    lines = [
        f"curl -X POST {settings.PUBLIC_URL}/api/v1/{path}",
        '-H "Authorization: Bearer $GALLERY_TOKEN"',
        '-H "Content-Type: application/json"',
        f"-d '{text}'",
    ]
    return " \\\n  ".join(lines)
