"""Configurations, splits and files are those that the `datasets` library finds in the same folder."""

import os
from pathlib import Path

import pytest
import yaml

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"

from datasets import load_dataset_builder

from inspection.tables.detection import detect

LAYOUTS: dict[str, tuple[str, str]] = {
    "one file": ("data.csv README.md", ""),
    "file names": ("train.csv test.csv", ""),
    "file names in a folder": ("data/train.csv data/test.csv data/validation.csv", ""),
    "numbered files": ("train_0.csv train_1.csv train_10.csv train_2.csv test_0.csv", ""),
    "keyword between separators": ("my-train-file.jsonl my.test.file.jsonl x_dev_1.jsonl", ""),
    "keyword without separators": ("mytrainfile.jsonl testing1.jsonl contest.jsonl", ""),
    "synonyms": ("training.csv valid.csv evaluation.csv", ""),
    "digits are separators": ("train1.csv val2.csv eval3.csv", ""),
    "folders": ("data/train/shard_0.csv data/train/shard_1.csv data/test/shard_0.csv", ""),
    "folders win over names": ("train/test.csv train/x.csv test/y.csv", ""),
    "folder with separators": ("my train 1/a.txt my_val/b.txt", ""),
    "matched by two patterns": ("train-1-train/a.csv train/b.csv", ""),
    "shards": (
        (
            "data/train-00000-of-00002.parquet data/train-00001-of-00002.parquet data/test-00000-of-00001.parquet "
            "data/random-00000-of-00001.parquet data/alpha-00000-of-00001-0a1b2c.parquet"
        ),
        "",
    ),
    "shards elsewhere are no shards": ("other/train-00000-of-00001.parquet other/foo-00000-of-00001.parquet", ""),
    "hidden and special": (".hidden.csv __pycache__/a.csv .git/b.csv data.csv __x/train.csv", ""),
    "ignored names": ("dataset_infos.json config.json dataset_info.json dataset_dict.json data.jsonl", ""),
    "most frequent ending": ("a.csv b.json c.json d.json", ""),
    "parquet wins a draw": ("a.csv b.parquet", ""),
    "jsonl wins over json": ("a.json b.jsonl", ""),
    "tab separated": ("a.tsv b.tsv", ""),
    "compressed": ("a.csv.gz b.csv.gz c.csv", ""),
    "compressed lines": ("train.jsonl.zst test.jsonl.xz valid.jsonl.bz2", ""),
    "text": ("train.txt test.txt", ""),
    "arrow": ("train/data-00000-of-00001.arrow train/state.json train/dataset_info.json", ""),
    "tars": ("train-000000.tar train-000001.tar", ""),
    "tars compressed": ("shards/000.tar.gz shards/001.tar.gz", ""),
    "image classes": ("train/cat/1.png train/dog/2.PNG test/cat/3.png", ""),
    "images without splits": ("cat/1.jpg dog/2.jpeg dog/notes.txt", ""),
    "images with metadata": ("train/metadata.csv train/1.jpg train/2.jpg test/metadata.csv test/3.jpg", ""),
    "metadata at the top": ("metadata.jsonl images/1.jpg images/2.jpg", ""),
    "audio": ("clips/1.wav clips/2.mp3 metadata.csv", ""),
    "videos": ("a/1.mp4 b/2.mp4", ""),
    "folder named like a file": ("x.csv.d/readme.txt y.csv", ""),
    "config with one file": ("a.csv b.csv", "configs: [{config_name: main, data_files: a.csv}]"),
    "config with a list": ("a.csv b.csv c.csv", "configs: [{config_name: main, data_files: [b.csv, a.csv]}]"),
    "config with splits": (
        "x/a.csv x/b.csv y/c.csv",
        "configs: [{config_name: default, data_files: [{split: test, path: x/*.csv}, {split: train, path: [y/*, x/b.csv]}]}]",
    ),
    "two configs": (
        "en/train.jsonl en/test.jsonl fr/train.jsonl fr/test.jsonl",
        "configs: [{config_name: en, data_dir: en}, {config_name: fr, data_dir: fr, default: true}]",
    ),
    "configs by globs": (
        "data/en/1.parquet data/en/2.parquet data/fr/deep/3.parquet data/fr/4.parquet",
        (
            "configs: [{config_name: en, data_files: 'data/en/*'}, {config_name: fr, data_files: 'data/fr/**'}, "
            "{config_name: all, data_files: 'data/**/*.parquet'}]"
        ),
    ),
    "config with options": ("a.csv b.csv", "configs: [{config_name: default, data_files: '*.csv', sep: ';', skiprows: 2}]"),
    "character classes": ("part1.csv part2.csv partx.csv", "configs: [{config_name: d, data_files: 'part[0-9].csv'}]"),
    "negated classes": ("part1.csv partx.csv party.csv", "configs: [{config_name: d, data_files: 'part[!1x].csv'}]"),
    "question marks": ("part1.csv part10.csv", "configs: [{config_name: d, data_files: 'part?.csv'}]"),
    "hidden on request": (".x/a.csv b.csv", "configs: [{config_name: d, data_files: '.x/*.csv'}]"),
    "special on request": ("__x/a.csv b.csv", "configs: [{config_name: d, data_files: '__*/*.csv'}]"),
    "stars at both ends": ("a/b/c.csv x/c.csv c.csv", "configs: [{config_name: d, data_files: '**/c*.csv'}]"),
    "stars in the middle": ("a/b/c.csv a/x/y/c.csv a/c.csv", "configs: [{config_name: d, data_files: 'a/**/c.csv'}]"),
    "two double stars": ("a/b/q/z/c.csv q/c.csv x/q/c.csv x/c.csv", "configs: [{config_name: d, data_files: '**/q/**/c.csv'}]"),
    "ignored name on request": ("config.json x.json", "configs: [{config_name: d, data_files: config.json}]"),
    "closing slash": ("d/a.csv d/b.csv", "configs: [{config_name: c, data_files: 'd/*/'}]"),
    "folders with images per config": (
        "one/cat/1.png two/dog/2.png",
        "configs: [{config_name: one, data_dir: one, drop_labels: true}, {config_name: two, data_dir: two}]",
    ),
    "types only": ("a.csv", "dataset_info: {features: [{name: x, dtype: int64}]}"),
    "a config named in dataset_info": (
        "a.csv",
        "dataset_info: [{config_name: one, features: [{name: x, dtype: int64}]}]\nconfigs: [{config_name: one, data_files: '*.csv'}]",
    ),
}


def build(folder: Path, files: str, matter: str) -> None:
    for name in files.replace("my train 1", "my\0train\0001").split():
        path = folder / name.replace("\0001", " 1").replace("\0", " ")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}" if name.endswith(".json") else b"x\n1\n")
    (folder / "README.md").write_text(f"---\n{matter}\n---\n" if matter else "A card.")


def ours(folder: Path, matter: str):
    files = [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in folder.rglob("*") if path.is_file()]
    return detect(files, yaml.safe_load(matter) if matter else None)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout_reads_as_the_library_reads_it(layout, tmp_path):
    files, matter = LAYOUTS[layout]
    folder = tmp_path / "set"
    folder.mkdir()
    build(folder, files, matter)
    configs = ours(folder, matter)
    described = yaml.safe_load(matter).get("configs") if matter else None
    assert [config.name for config in configs] == [one["config_name"] for one in described or [{"config_name": "default"}]]
    for config in configs:
        builder = load_dataset_builder(str(folder), config.name, cache_dir=str(tmp_path / "cache"))
        theirs = [
            (split, tuple(Path(file).relative_to(folder).as_posix() for file in listed))
            for split, listed in builder.config.data_files.items()
        ]
        assert [(split.name, split.files) for split in config.splits] == theirs
        assert config.format == type(builder).__mro__[1].__module__.rpartition(".")[2]
        assert {key: getattr(builder.config, key) for key in config.options if key != "features"} == {
            key: value for key, value in config.options.items() if key != "features"
        }
    default = load_dataset_builder(str(folder), cache_dir=str(tmp_path / "cache")).config.name if len(configs) == 1 else None
    if default is not None:
        assert [config.name for config in configs if config.default] == [default]
