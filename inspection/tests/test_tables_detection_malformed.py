"""Front matter and folders that contradict themselves, ask for too much, or are too many."""

import resource

import pytest

from inspection.files import Unreadable
from inspection.tables import front_matter, globs
from inspection.tables.detection import Split, common, detect
from inspection.tables.globs import Tree, translate

FILES = [("a.csv", 1), ("b.csv", 1), ("x/c.csv", 1)]


@pytest.mark.parametrize(
    ("configs", "code"),
    [
        ("en", "bad_configs"),
        ([{"data_files": "a.csv"}], "config_without_name"),
        (["en"], "config_without_name"),
        ([{"config_name": "a", "default": True}, {"config_name": "default"}], "several_defaults"),
        ([{"config_name": "a", "data_files": 3}], "bad_data_files"),
        ([{"config_name": "a", "data_files": [{"split": "train"}]}], "bad_data_files"),
        ([{"config_name": "a", "data_files": [{"split": "my-split", "path": "a.csv"}]}], "bad_split_name"),
        ([{"config_name": "a", "data_files": [{"split": "x", "path": "a.csv"}, {"split": "x", "path": "b.csv"}]}], "split_twice"),
        ([{"config_name": "a", "data_files": "nowhere.csv"}], "file_not_found"),
        ([{"config_name": "a", "data_files": "nowhere/*.csv"}], "no_data_files"),
        ([{"config_name": "a", "data_files": "x/**.csv"}], "bad_pattern"),
        ([{"config_name": "a", "data_files": "../*.csv"}], "pattern_outside"),
        ([{"config_name": "a", "data_files": "/etc/passwd"}], "pattern_outside"),
        ([{"config_name": "a", "data_files": "https://example.com/a.csv"}], "pattern_outside"),
        ([{"config_name": "a", "data_files": "zip://*.csv::a.zip"}], "pattern_outside"),
        ([{"config_name": "a", "data_files": "a" * 2000}], "pattern_too_long"),
        ([{"config_name": "a", "data_files": [f"*{index}.csv" for index in range(2_500)]}], "too_many_patterns"),
        ([{"config_name": f"c{index}"} for index in range(1001)], "bad_configs"),
    ],
)  # fmt: skip
def test_front_matter_that_cannot_be_followed_has_its_code(configs, code, monkeypatch):
    monkeypatch.setattr(globs, "MAX_WORK", 2_000_000)
    files = FILES if code != "too_many_patterns" else [(f"{index}.csv", 1) for index in range(1000)]
    with pytest.raises(Unreadable) as refused:
        detect(files, {"configs": configs})
    assert refused.value.code == code


def test_one_configuration_in_error_leaves_the_others():
    configs = detect(
        FILES, {"configs": [{"config_name": "good", "data_files": "a.csv"}, {"config_name": "bad", "data_files": "nowhere.csv"}]}
    )
    assert [(config.name, config.error, config.splits) for config in configs] == [
        ("good", "", (Split("train", ("a.csv",)),)),
        ("bad", "file_not_found", ()),
    ]


def test_splits_of_different_formats_are_told():
    with pytest.raises(Unreadable) as refused:
        detect([("train.csv", 1), ("test.json", 1)])
    assert (refused.value.code, refused.value.facts) == ("several_formats", {"formats": "csv, json"})


@pytest.mark.parametrize("files", [[], ["README.md", ".gitattributes"]])
def test_no_data_is_no_configuration(files):
    assert detect([(path, 1) for path in files]) == []


def test_a_mapping_of_splits_is_understood():
    (config,) = detect(FILES, {"configs": [{"config_name": "a", "data_files": {"test": "a.csv", "train": ["b.csv", "x/*"]}}]})
    assert config.splits == (Split("test", ("a.csv",)), Split("train", ("b.csv", "x/c.csv")))


def test_class_folders_are_labels_where_there_is_no_metadata():
    (plain,) = detect([("train/cat/1.png", 1), ("train/dog/2.png", 1), ("test/cat/3.png", 1)])
    assert common(plain) == {"metadata": False, "labels": ["cat", "dog"]}
    (described,) = detect([("train/cat/1.png", 1), ("train/dog/2.png", 1), ("train/metadata.csv", 1)])
    assert common(described) == {"metadata": True, "labels": None}
    (uneven,) = detect([("cat/1.png", 1), ("x/dog/2.png", 1)])
    assert common(uneven) == {"metadata": False, "labels": None}
    (single,) = detect([("cat/1.png", 1), ("cat/2.png", 1)])
    assert common(single) == {"metadata": False, "labels": None}
    card = {"configs": [{"config_name": "a", "data_files": "**", "drop_labels": False}]}
    (asked,) = detect([("cat/1.png", 1), ("cat/2.png", 1)], card)
    assert common(asked) == {"metadata": False, "labels": ["cat"]}


@pytest.mark.slow
def test_many_class_folders_take_little_memory():
    files = [(f"train/class{index}/image.png", 1) for index in range(200_000)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (config,) = detect(files)
    assert (config.format, len(config.splits[0].files)) == ("imagefolder", 200_000)
    assert common(config) == {"metadata": False, "labels": []}
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 200 << 20


@pytest.mark.parametrize("pattern", ["*a" * 200 + "b", "**/" * 100 + "b", "**/*a*/" * 50 + "b", "[a-z]*" * 100 + "!", "?*" * 200 + "!"])
def test_a_hostile_pattern_comes_to_an_end(pattern):
    paths = ["/".join(["a" * 100] * 20), "a" * 2000]
    assert Tree(paths).match(pattern) == []


@pytest.mark.parametrize("pattern", ["[", "[]", "[!]", "[]x]", "[z-a]", "[a-]", "a[\\]b", "[^a]", "(", "a+", "[[]", "{a,b}"])
def test_odd_classes_are_patterns_too(pattern):
    translate(pattern)


def test_front_matter_is_bounded():
    assert front_matter.parsed("a: 1\nb: [yes, 2.5, null, 2024-01-01, '3']") == {"a": 1, "b": [True, 2.5, None, "2024-01-01", "3"]}
    assert front_matter.parsed("[1, 2]") == front_matter.parsed("a: [") == front_matter.parsed("x: !!python/object:os.system {}\n- y") == {}
    assert front_matter.parsed("[" * 100_000) == {}
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join([f'*{chr(97 + level)}'] * 9)}]\n" for level in range(12)
    )
    assert front_matter.parsed(bomb) == {}
    assert front_matter.block_of("---\na: 1\n---\nText") == "a: 1"
    assert front_matter.block_of("Text\n---\na: 1\n---") == ""
