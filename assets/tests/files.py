"""A repository with a file of every sort, for the tests of the files pages and their REST."""

import hashlib
import io
import json
import struct
from typing import Any

from PIL import Image

from assets.models import Asset
from assets.services import commit_files, create_version
from assets.tests.factories import make_asset, read_for
from core.testing import People, api, browser
from repos import reading
from repos.operations import Operation, PutBytes

KIND, NAME = "models", "tiny"
ADDRESS = "/models/atelier/tiny"
REST = "/api/v1/models/atelier/tiny"


def tiny_weights() -> bytes:
    """A safetensors file of two tensors."""
    header = {
        "a.weight": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
        "b.weight": {"dtype": "F32", "shape": [1], "data_offsets": [8, 12]},
    }
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw + b"\0" * 12


def tiny_picture() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "#0a6852").save(buffer, "PNG")
    return buffer.getvalue()


FILES: dict[str, bytes] = {
    "config.json": b'{\n  "a": 1\n}\n',
    "train/train.py": b"print(1)\n",
    "train/data/rows.csv": b"a,b\n1,2\n",
    "drawing.svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "model.safetensors": tiny_weights(),
    "photo.png": tiny_picture(),
}


def make_files(people: People, visibility: str = "private", **more: bytes) -> Asset:
    """Return `atelier/tiny` with `FILES`, a second commit and the version `v1`, read for its owner."""
    asset = make_asset(people.alice, people.atelier, name=NAME, visibility=visibility)
    first = write(asset, people.alice, [PutBytes(path, data) for path, data in {**FILES, **more}.items()], "Add files")
    create_version(asset=asset, actor=people.alice, name="refs/tags/v1", revision=first)
    write(asset, people.alice, [PutBytes("config.json", b'{\n  "a": 2\n}\n')], "Raise a")
    return read_for(people.alice, asset)


def write(asset: Asset, actor: Any, operations: list[Operation], message: str = "Change", branch: str = "main") -> str:
    """Commit and return the new head."""
    return commit_files(asset=asset, actor=actor, operations=operations, message=message, branch=branch).sha


def head(asset: Asset, branch: str = "main") -> str:
    return reading.resolve(asset.open_repository(), branch).commit.sha


def content(asset: Asset, path: str, revision: str = "main") -> bytes:
    """Return what stands at `path`."""
    return reading.read_all(reading.find(reading.resolve(asset.open_repository(), revision), path))


def paths(asset: Asset, revision: str = "main") -> list[str]:
    """Return the paths of all files."""
    return sorted(item.path for item in reading.walk(reading.resolve(asset.open_repository(), revision)))


def page(people: People, path: str, **headers: Any) -> str:
    """Return the page at `path` below the asset as Alice gets it."""
    response = browser(people.alice).get(ADDRESS + path, **headers)
    assert response.status_code == 200, response.content[:500]
    return str(response.content.decode())


def call(people: People, method: str, path: str, data: Any = None, user: Any = None) -> Any:
    """Send a REST request about the asset, as Alice unless told otherwise."""
    body = data if isinstance(data, str | bytes) else json.dumps(data or {})
    client = api(user or people.alice)
    if method in ("get", "delete"):
        return getattr(client, method)(REST + path)
    return getattr(client, method)(REST + path, body, content_type="application/json")


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
