"""Folders, tars and typed files: cells that point into the repository, and what columns are said to be."""

import gzip
import io
import json
import tarfile
from typing import Any

import pyarrow as pa
import pytest

from inspection.files import File, in_memory
from inspection.tables.reading import arrow, folders, parquet, webdataset
from inspection.tables.reading.columns import kind_of
from inspection.tables.reading.context import Context
from inspection.tests.copying_made import parquet as as_parquet


def rows(found: Any) -> list[dict[str, Any]]:
    return [row for batch in found for row in batch.to_pylist()]


def cell(file: str | None, start: int | None, size: int, data: bytes | None = None) -> dict[str, Any]:
    return {"file": file, "start": start, "size": size, "bytes": data}


def tar(form: int = tarfile.PAX_FORMAT, **members: bytes) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return sink.getvalue()


MEMBERS = {
    "a/1.jpg": b"JPEG",
    "a/1.cls": b"7",
    "a/1.json": b'{"x": [1]}',
    "a/1.txt": "é".encode(),
    "a/2.jpg": b"JPEGJPEG",
    "a/2.cls": b"8",
    "README": b"-",
}


def test_pictures_are_pointed_to_and_folders_are_labels() -> None:
    files = [in_memory("t/dog/1.png", b"12"), in_memory("t/cat/2.PNG", b"123"), in_memory("t/cat/notes.txt", b"-")]
    context = Context(options={"labels": ["cat", "dog"], "metadata": False})
    (batch,) = folders.read(context, files, "imagefolder")
    assert batch.to_pylist() == [
        {"image": cell("t/dog/1.png", 0, 2), "label": 1},
        {"image": cell("t/cat/2.PNG", 0, 3), "label": 0},
    ]
    assert [kind_of(field)[0] for field in batch.schema] == ["image", "category"]
    assert context.source_rows == 2


def test_contents_of_pictures_are_not_read() -> None:
    def read(start: int, end: int) -> bytes:
        raise AssertionError

    assert (
        len(
            rows(
                folders.read(Context(options={"labels": None}), [File(f"{number}.wav", 9, read) for number in range(25_000)], "audiofolder")
            )
        )
        == 25_000
    )


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_metadata_files_give_the_rows(ending: str) -> None:
    given = [{"file_name": "1.png", "text": "one"}, {"file_name": "sub/2.png", "text": "two"}, {"file_name": "../x.png", "text": "gone"}]
    data = {
        "csv": "file_name,text\n" + "".join(f"{row['file_name']},{row['text']}\n" for row in given),
        "jsonl": "".join(json.dumps(row) + "\n" for row in given),
    }
    raw = data[ending].encode() if ending in data else as_parquet(pa.Table.from_pylist(given))
    context = Context(options={"metadata": True, "labels": None})
    files = [in_memory("t/1.png", b"1"), in_memory("t/sub/2.png", b"22"), in_memory(f"t/metadata.{ending}", raw)]
    assert rows(folders.read(context, files, "imagefolder")) == [
        {"image": cell("t/1.png", 0, 1), "text": "one"},
        {"image": cell("t/sub/2.png", 0, 2), "text": "two"},
        {"image": None, "text": "gone"},
    ]
    assert [(entry["code"], entry["text"]) for entry in context.faults.listed] == [("media_not_found", "../x.png")]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_of_a_tar_are_pointed_to(form: int) -> None:
    data = tar(form, **MEMBERS)
    found = rows(webdataset.read(Context(), [in_memory("s.tar", data)]))
    assert [row["__key__"] for row in found] == ["a/1", "a/2"]
    assert (found[0]["cls"], found[0]["json"], found[0]["txt"], found[0]["__url__"]) == (7, {"x": [1]}, "é", "s.tar")
    for row, content in zip(found, (b"JPEG", b"JPEGJPEG"), strict=True):
        picture = row["jpg"]
        assert data[picture["start"] : picture["start"] + picture["size"]] == content
        assert (picture["file"], picture["bytes"]) == ("s.tar", None)


def test_members_of_a_compressed_tar_are_copied() -> None:
    found = rows(webdataset.read(Context(), [in_memory("s.tar.gz", gzip.compress(tar(**MEMBERS)))]))
    assert [row["jpg"] for row in found] == [cell(None, None, 4, b"JPEG"), cell(None, None, 8, b"JPEGJPEG")]


@pytest.mark.parametrize("form", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_and_names_beyond_ascii(form: int) -> None:
    found = rows(webdataset.read(Context(), [in_memory("s.tar", tar(form, **{f"{'深' * 100}/{'x' * 100}.txt": b"y"}))]))
    assert [(row["__key__"], row["txt"]) for row in found] == [(f"{'深' * 100}/{'x' * 100}", "y")]


@pytest.mark.parametrize(
    ("data", "code", "count"),
    [
        (b"no tar at all" * 100, "not_tar", 0),
        (tar(**MEMBERS)[:2800], "truncated", 1),
        (tar(**MEMBERS)[:1024] + b"\xff" * 512 + tar(**MEMBERS)[1536:], "damaged_tar", 1),
        (b"", "truncated", 0),
    ],
)
def test_a_broken_tar_keeps_what_came_before(data: bytes, code: str, count: int) -> None:
    context = Context()
    found = rows(webdataset.read(context, [in_memory("s.tar", data)]))
    assert (len(found), [entry["code"] for entry in context.faults.listed]) == (count, [code])


def test_members_that_are_not_what_they_should_be() -> None:
    context = Context()
    rows(webdataset.read(context, [in_memory("s.tar", tar(**{"1.json": b"{", "1.cls": b"x", "2.txt": b"a"}))]))
    assert [(entry["code"], entry["text"]) for entry in context.faults.listed] == [("bad_json", "1.json"), ("bad_number", "1.cls")]


FEATURES = {"label": {"_type": "ClassLabel", "names": ["no", "yes"]}, "picture": {"_type": "Image"}, "sound": {"_type": "Audio"}}


@pytest.mark.parametrize("form", ["parquet", "stream", "file"])
def test_typed_files_say_what_their_columns_are(form: str) -> None:
    media = pa.array([{"bytes": b"PNG", "path": "1.png"}, None], pa.struct([("bytes", pa.binary()), ("path", pa.string())]))
    table = pa.table({"label": [1, None], "picture": media, "sound": media}).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": FEATURES}})}
    )
    if form == "parquet":
        found = list(parquet.read(Context(), [in_memory("a.parquet", as_parquet(table))]))
    else:
        sink = io.BytesIO()
        with (pa.ipc.new_file if form == "file" else pa.ipc.new_stream)(sink, table.schema) as writer:
            writer.write_table(table)
        found = list(arrow.read(Context(), [in_memory("a.arrow", sink.getvalue())]))
    assert [kind_of(field) for field in found[0].schema] == [("category", "category"), ("image", "image"), ("audio", "audio")]
    assert rows(found)[0] == {"label": 1, "picture": cell(None, None, 3, b"PNG"), "sound": cell(None, None, 3, b"PNG")}
    assert rows(found)[1] == {"label": None, "picture": None, "sound": None}


def test_the_card_says_what_columns_are() -> None:
    said = [{"name": "label", "dtype": {"class_label": {"names": {"0": "no", "1": "yes"}}}}, {"name": "picture", "dtype": "image"}]
    table = pa.table({"label": [1], "picture": [b"PNG"]})
    (batch,) = parquet.read(Context(options={"features": said}), [in_memory("a.parquet", as_parquet(table))])
    assert [kind_of(field)[0] for field in batch.schema] == ["category", "image"]
    assert json.loads(batch.schema.field("label").metadata[b"names"]) == ["no", "yes"]
