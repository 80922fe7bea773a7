"""The demo's writers: what they write reads back as the real format, and twice the same."""

import csv
import hashlib
import io
import json
import struct
import wave
from collections.abc import Callable
from math import isfinite, prod
from pathlib import Path
from typing import Any

import duckdb
import pytest
from PIL import Image

from assets.demo import architectures, vocabularies
from assets.demo.collection import EXHIBITS
from assets.demo.formats import gguf, notebooks, pictures, safetensors, sounds, tables
from assets.demo.formats.noise import constant, normal
from assets.demo.formats.safetensors import Tensor
from assets.demo.recipes import measurements, text, training


def header_of(data: bytes) -> tuple[dict[str, Any], bytes]:
    """Return header and content of a safetensors file."""
    length = int.from_bytes(data[:8], "little")
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def test_bfloat16_weights_are_finite_and_small() -> None:
    data = normal("seed", 4_000, "BF16")
    numbers = [struct.unpack("<f", b"\0\0" + data[i : i + 2])[0] for i in range(0, len(data), 2)]
    assert len(numbers) == 4_000
    assert all(isfinite(number) and abs(number) < 1 for number in numbers)
    assert sum(number > 0 for number in numbers) in range(1_800, 2_200)


@pytest.mark.parametrize(("dtype", "width"), [("F32", 4), ("F16", 2), ("BF16", 2), ("I8", 1)])
def test_constants_have_the_width_of_their_type(dtype: str, width: int) -> None:
    assert len(constant(1, 5, dtype)) == 5 * width


def test_half_precision_one_is_one() -> None:
    assert struct.unpack("<2e", constant(1.0, 2, "F16")) == (1.0, 1.0)


def test_safetensors_header_covers_the_content_without_gaps() -> None:
    data = safetensors.encode([Tensor("b.weight", (4, 8)), Tensor("a.bias", (8,), "F32", 0.0)], "seed")
    header, content = header_of(data)
    assert header == {
        "__metadata__": {"format": "pt"},
        "a.bias": {"dtype": "F32", "shape": [8], "data_offsets": [0, 32]},
        "b.weight": {"dtype": "BF16", "shape": [4, 8], "data_offsets": [32, 96]},
    }
    assert len(content) == 96
    assert (len(data) - len(content)) % 8 == 0


def test_shards_hold_every_tensor_once_and_the_index_says_where() -> None:
    tensors = architectures.decoder(text.decoder_config())
    files = safetensors.encode_shards(tensors, "seed", 3)
    index = json.loads(files.pop("model.safetensors.index.json"))
    assert sorted(files) == [f"model-0000{n}-of-00003.safetensors" for n in (1, 2, 3)]
    places = {name: file for file, data in files.items() for name in header_of(data)[0] if name != "__metadata__"}
    assert index["weight_map"] == places
    assert sorted(places) == sorted(tensor.name for tensor in tensors)
    assert index["metadata"]["total_size"] == sum(len(header_of(data)[1]) for data in files.values())


def test_decoder_weights_agree_with_their_configuration() -> None:
    files = text.decoder("seed", vocab=1024, hidden=64, layers=2, inner=128)
    config = json.loads(files["config.json"])
    header, _content = header_of(files["model.safetensors"])
    assert header["model.embed_tokens.weight"]["shape"] == [config["vocab_size"], config["hidden_size"]]
    assert header["model.layers.1.mlp.down_proj.weight"]["shape"] == [64, 128]
    assert len(json.loads(files["tokenizer.json"])["model"]["vocab"]) == config["vocab_size"]


class Gguf:
    """A small reader of GGUF version 3."""

    def __init__(self, data: bytes) -> None:
        self.file = io.BytesIO(data)
        assert self.file.read(4) == b"GGUF"
        self.version, count, keys = self.take("<IQQ")
        self.metadata = {self.string(): self.value(*self.take("<I")) for _ in range(keys)}
        self.tensors = {}
        for _ in range(count):
            name = self.string()
            (rank,) = self.take("<I")
            shape = self.take(f"<{rank}Q")
            self.tensors[name] = (shape, *self.take("<IQ"))
        start = self.file.tell()
        self.content = data[start + -start % self.metadata["general.alignment"] :]

    def take(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(form, self.file.read(struct.calcsize(form)))

    def string(self) -> str:
        return self.file.read(self.take("<Q")[0]).decode()

    def value(self, kind: int) -> Any:
        if kind == 8:
            return self.string()
        if kind == 9:
            inner, count = self.take("<IQ")
            return [self.value(inner) for _ in range(count)]
        return self.take({4: "<I", 6: "<f", 7: "<?"}[kind])[0]


def test_gguf_reads_back_with_its_metadata() -> None:
    read = Gguf(text.gguf_models("seed", "Tiny", ("Q4_0",), "mit")["Tiny-Q4_0.gguf"])
    assert read.version == 3
    assert (read.metadata["general.architecture"], read.metadata["general.name"], read.metadata["llama.block_count"]) == (
        "llama",
        "Tiny",
        3,
    )
    assert len(read.metadata["tokenizer.ggml.tokens"]) == 1536
    assert read.tensors["token_embd.weight"][:2] == ((96, 1536), gguf.TYPES["Q4_0"])
    assert read.tensors["output_norm.weight"][:2] == ((96,), gguf.TYPES["F32"])


@pytest.mark.parametrize("kind", ["F16", "Q8_0", "Q4_0"])
def test_gguf_tensors_lie_aligned_and_back_to_back(kind: str) -> None:
    read = Gguf(text.gguf_models("seed", "Tiny", (kind,), "mit")[f"Tiny-{kind}.gguf"])
    sizes = {0: (4, 1), 1: (2, 1), 2: (18, 32), 8: (34, 32)}
    expected = 0
    for shape, form, offset in read.tensors.values():
        assert offset == expected
        width, block = sizes[form]
        expected += -(-prod(shape) // block * width // 32) * 32
    assert len(read.content) == expected


def test_sentencepiece_model_lists_its_pieces() -> None:
    data = vocabularies.sentencepiece(["<unk>", "▁ab", "的"])
    pieces, place = [], 0
    while place < len(data):
        assert data[place] == 0x0A
        piece = data[place + 2 : place + 2 + data[place + 1]]
        pieces.append(piece[2 : 2 + piece[1]].decode())
        place += 2 + data[place + 1]
    assert pieces == ["<unk>", "▁ab", "的"]


@pytest.mark.parametrize("count", [256, 1536, 2048])
def test_vocabulary_has_as_many_tokens_as_asked(count: int) -> None:
    assert len(set(vocabularies.gguf_tokens(count))) == count


def test_parquet_reads_back_with_types(tmp_path: Path) -> None:
    rows = [
        {"id": 1, "text": "行一", "score": 0.5, "made_at": "2026-01-02 03:04:05"},
        {"id": 2, "text": "", "score": None, "made_at": "2026-01-03 00:00:00"},
    ]
    path = tmp_path / "rows.parquet"
    path.write_bytes(tables.encode_parquet(rows))
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT id, text, score, made_at::VARCHAR FROM '{path}'").fetchall() == [
            (1, "行一", 0.5, "2026-01-02 03:04:05"), (2, "", None, "2026-01-03 00:00:00"),
        ]  # fmt: skip
        assert [row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()] == [
            "INTEGER",
            "VARCHAR",
            "DOUBLE",
            "TIMESTAMP",
        ]


def test_csv_quotes_what_needs_it() -> None:
    data = tables.encode_csv([{"a": 'x,"y"', "b": "第一行\n第二行"}])
    assert list(csv.DictReader(io.StringIO(data.decode()))) == [{"a": 'x,"y"', "b": "第一行\n第二行"}]


def test_jsonl_has_one_object_a_line() -> None:
    lines = tables.encode_jsonl([{"a": "一\n二"}, {"a": None}]).decode().splitlines()
    assert [json.loads(line) for line in lines] == [{"a": "一\n二"}, {"a": None}]


@pytest.mark.parametrize("make", [lambda: sounds.bearing("seed", "inner"), lambda: sounds.bearing("seed", "normal")])
def test_bearing_sound_is_one_second_of_16_khz_mono(make: Callable[[], bytes]) -> None:
    with wave.open(io.BytesIO(make()), "rb") as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate(), file.getnframes()) == (1, 2, 16_000, 16_000)


def test_faulty_bearing_is_louder_than_a_sound_one() -> None:
    def peak(data: bytes) -> int:
        return max(abs(value) for (value,) in struct.iter_unpack("<h", data[44:]))

    assert peak(sounds.bearing("seed", "outer")) > 2 * peak(sounds.bearing("seed", "normal"))


@pytest.mark.parametrize("kind", measurements.DEFECTS)
def test_defect_pictures_are_png_of_their_size(kind: str) -> None:
    image = Image.open(io.BytesIO(pictures.defect("seed", kind)))
    assert (image.format, image.size, image.mode) == ("PNG", (128, 128), "RGB")


def test_mask_of_a_board_holds_class_numbers_only() -> None:
    _picture, mask = pictures.board("seed")
    image = Image.open(io.BytesIO(mask))
    assert image.mode == "L"
    assert set(image.tobytes()) == {0, 1, 2, 3}


def test_notebook_keeps_outputs_with_their_cells() -> None:
    notebook = json.loads(notebooks.encode([("markdown", "# 标题"), ("code", "print(1)", "1"), ("code", "x = 2")]))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) == (4, 5)
    assert [cell["cell_type"] for cell in notebook["cells"]] == ["markdown", "code", "code"]
    assert [cell["outputs"] for cell in notebook["cells"][1:]] == [[{"name": "stdout", "output_type": "stream", "text": ["1"]}], []]


def test_train_params_keep_to_the_custom_model_specification() -> None:
    for subject in ("text", "image", "sound"):
        for method in json.loads(training.train_params(subject))["training_methods"]:
            for parameter in method["hyperparameters"]:
                assert set(parameter) == {"name", "type", "required", "default", "help"}
                assert parameter["type"] in {"float", "int", "str", "bool"}
                assert len(parameter["help"]) <= 20


@pytest.mark.parametrize("subject", ["text", "image", "sound"])
def test_scripts_of_custom_models_are_valid_python(subject: str) -> None:
    compile(training.source(f"train_{subject}"), "train.py", "exec")
    compile(training.source(f"inference_{subject}"), "inference.py", "exec")


def test_demo_has_forty_models_and_sixteen_datasets() -> None:
    assert [sum(exhibit.kind == kind for exhibit in EXHIBITS) for kind in ("model", "dataset")] == [40, 16]


def test_every_description_fits_its_column() -> None:
    assert [exhibit.repo_id for exhibit in EXHIBITS if not 0 < len(exhibit.fact("description")) <= 90] == []


def test_lineage_names_assets_of_the_demo() -> None:
    there = {exhibit.repo_id for exhibit in EXHIBITS}
    for exhibit in EXHIBITS:
        base = exhibit.fact("base_model")
        assert not base or base in there, exhibit.repo_id


def test_histories_run_forward_in_time() -> None:
    for exhibit in EXHIBITS:
        days = [revision.day for revision in exhibit.revisions]
        assert days == sorted(days, reverse=True), exhibit.repo_id
        assert days[-1] > 0


def test_the_same_bytes_come_out_every_time() -> None:
    def digest() -> str:
        total = hashlib.sha256()
        for exhibit in EXHIBITS:
            if exhibit.name in {
                "Yunhe-1B-Chat",
                "Harbor-Code-3B-GGUF",
                "Danqing-XL",
                "Grid-Load-Hourly",
                "Jiangnan-Dialects",
                "PCB-Boards-Seg",
            }:
                for revision in exhibit.revisions:
                    for path, data in sorted(revision.files().items()):
                        total.update(path.encode() + data)
        return total.hexdigest()

    assert digest() == digest()


def test_demo_is_small() -> None:
    assert sum(len(data) for exhibit in EXHIBITS for revision in exhibit.revisions for data in revision.files().values()) < 61_000_000
