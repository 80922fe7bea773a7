"""Datasets whose tables were read, for the tests of the preview: text, numbers, pictures, sounds, and what cannot be read."""

import io
import json
import math
import struct
import tarfile
import wave
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.test import Client
from PIL import Image

from assets.models import Asset
from assets.tests.factories import make_asset, read_for
from assets.tests.files import write
from core.testing import People
from inspection.models import Inspection
from jobs.models import Job
from jobs.services import run
from repos.operations import PutBytes

NAME = "signals"
PAGE = f"/datasets/atelier/{NAME}"
REST = f"/api/v1/datasets/atelier/{NAME}"
SCENES = ("fault", "parts", "wiring")
LONG = "The spindle whines. " * 100


def csv(count: int = 250) -> bytes:
    """`count` rows with a number, a word of three, a text that is long once, a score that is missing every tenth time, and a day."""
    lines = ["id,scene,text,score,day"]
    for number in range(count):
        said = LONG if number == 7 else f"Row {number} says little"
        score = "" if number % 10 == 9 else f"{number % 5 + 0.5}"
        lines.append(f"{number},{SCENES[number % 3]},{said},{score},2025-{number % 12 + 1:02}-03")
    return ("\n".join(lines) + "\n").encode()


def picture(colour: str = "#0a6852", size: tuple[int, int] = (640, 480)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def sound(seconds: float = 0.25) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", int(8000 * math.sin(index / 8))) for index in range(int(8000 * seconds))))
    return buffer.getvalue()


def archive(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def dialogues(count: int = 3) -> bytes:
    """JSON lines of a dialogue each, and a last one that is broken."""
    rows = [
        {"messages": [{"role": "user", "content": f"Why {number}?"}, {"role": "assistant", "content": "Because."}], "meta": {"n": number}}
        for number in range(count)
    ]
    return "".join(json.dumps(row) + "\n" for row in rows).encode() + b'{"messages": [\n'


def make_dataset(people: People, files: dict[str, bytes], *, visibility: str = "public", read: bool = True, **more: Any) -> Asset:
    """Return `atelier/signals` with these files, its tables read, as its owner sees it."""
    asset = make_asset(people.alice, people.atelier, kind="dataset", name=NAME, visibility=visibility, **more)
    write(asset, people.alice, [PutBytes(path, data) for path, data in files.items()], "Add data")
    if read:
        read_tables()
    return read_for(people.alice, asset)


def read_tables() -> None:
    """Run the jobs that lead to tables, as workers would, and leave the others alone."""
    while found := [job for job in Job.objects.due() if _leads_to_tables(job)]:
        for job in found:
            run(job.pk)


def _leads_to_tables(job: Job) -> bool:
    if job.kind == "inspection.read":
        return Inspection.objects.filter(pk=job.params["inspection"], step="tables").exists()
    return job.kind == "assets.ingest"


def address(path: str = "/preview", **query: Any) -> str:
    """Return the address of a page of the preview."""
    return f"{PAGE}{path}" + (f"?{urlencode(query, doseq=True)}" if query else "")


def opener(client: Client) -> Callable[..., str]:
    """Return what opens such a page as `client` and gives its text."""

    def opened(path: str = "/preview", status: int = 200, **query: Any) -> str:
        response = client.get(address(path, **query))
        assert response.status_code == status, response.content[:2000]
        return str(response.content.decode())

    return opened
