"""Which configurations and splits the files of a dataset form, by the rules of the `datasets` library 5.2.

The rules are those of `datasets/data_files.py`, `load.py` and `utils/metadata.py`; where the library refuses a whole dataset because of one
configuration, that configuration alone has an error here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import splitext
from typing import Any

from inspection.files import Unreadable
from inspection.tables.formats import ALL_KEPT_NAMES, ALLOWED, AUDIO, ENDINGS, FORMATS, IMAGES, KEPT_NAMES, METADATA_NAMES
from inspection.tables.globs import BadPattern, Path, Tree, has_magic, tidy

Patterns = dict[str, list[str]]

MAX_CONFIGS = 1000
MAX_NAME = 200
MAX_LABELS = 10_000
IGNORED = frozenset({"README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"})
KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SEPARATOR = "[-._ 0-9]"
_IN_FOLDER = ("**/{0}/**", "**/{0}{1}*/**", "**/*{1}{0}/**", "**/*{1}{0}{1}*/**")
_IN_NAME = ("**/{0}{1}*", "**/*{1}{0}{1}*")
_SHARD = re.compile(r"data/([^/]*)-[0-9]{5}-of-[0-9]{5}[^/]*\.[^/]*\Z")
_SHARDED = "data/{}-[0-9][0-9][0-9][0-9][0-9]-of-[0-9][0-9][0-9][0-9][0-9]*.*"
_SPLIT_NAME = re.compile(r"^\w+(\.\w+)*$")
_FAVOURITES = (".parquet", ".lance", ".vortex", ".arrow", ".jsonl", ".json", ".csv")


@dataclass(frozen=True)
class Split:
    """A split and its files in order; a file may come twice, as it does in the library."""

    name: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Config:
    """A configuration. `error` is the code of what keeps it from having splits, with `facts`."""

    name: str
    splits: tuple[Split, ...]
    format: str
    options: dict[str, Any] = field(default_factory=dict)
    default: bool = False
    error: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def detect(paths: Sequence[tuple[str, int]], front_matter: Mapping[str, Any] | None = None) -> list[Config]:
    """Return the configurations that the files (path and size) form, in their order; an empty list where there is no data at all.

    `front_matter` is that of the card. Raises `Unreadable` where the front matter or the files contradict themselves as a whole.
    """
    tree = Tree([path for path, _size in paths])
    matter = front_matter or {}
    configs = _configs(matter)
    try:
        return _described(tree, configs, matter) if configs else _undescribed(tree, matter)
    except BadPattern as error:
        raise Unreadable(error.code, pattern=error.pattern) from error


def common(config: Config) -> dict[str, Any]:
    """Return what the splits of a folder of images or recordings have in common, as options for reading them; nothing for other formats.

    `metadata` says whether rows come from metadata files; `labels` are the names of the class folders, None where there are none: more than
    one folder, all at one depth, and no metadata. They are empty where there are too many to be named.
    """
    if config.format not in ("imagefolder", "audiofolder"):
        return {}
    media = AUDIO if config.format == "audiofolder" else IMAGES
    paths = [path for split in config.splits for path in split.files]
    if not config.options.get("drop_metadata") and any(path.rpartition("/")[2] in METADATA_NAMES for path in paths):
        return {"metadata": True, "labels": None}
    found = [path.rpartition("/")[0] for path in paths if splitext(path)[1].lower() in media]
    labels = {folder.rpartition("/")[2] for folder in found}
    drop = config.options.get("drop_labels")
    wanted = (len(labels) > 1 and len({folder.count("/") for folder in found}) == 1) if drop is None else not drop
    return {"metadata": False, "labels": (sorted(labels) if len(labels) <= MAX_LABELS else []) if wanted else None}


def _undescribed(tree: Tree, matter: Mapping[str, Any]) -> list[Config]:
    patterns = _default_patterns(tree)
    if not patterns:
        return []
    found = _resolve(tree, patterns)
    form, options = _format(found)
    keep = _keeper(form)
    splits = tuple(Split(name, tuple(path for path in files if keep(path))) for name, files in found.items())
    options = options | _features(matter, "default", sole=True)
    return [Config("default", splits, form, options, default=True)]


def _described(tree: Tree, configs: dict[str, dict[str, Any]], matter: Mapping[str, Any]) -> list[Config]:
    first = next(iter(configs.values()))
    patterns = _patterns(first["data_files"]) if "data_files" in first else _default_patterns(tree)
    if not patterns:
        return []
    form, defaults = _format(_resolve(tree, patterns))
    default = _default_name(configs)
    result = []
    for name, params in configs.items():
        options = defaults | {key: value for key, value in params.items() if key not in ("default", "data_files", "data_dir")}
        options = _features(matter, name, sole=len(configs) == 1) | options
        config = Config(name[:MAX_NAME], (), form, options, default=name == default)
        try:
            folder = tidy(str(params["data_dir"])) if params.get("data_dir") else ""
            seen = tree.below(folder) if folder else tree
            patterns = _patterns(params["data_files"]) if params.get("data_files") is not None else _default_patterns(seen)
            if not patterns:
                raise Unreadable("no_data_files")
            prefix = f"{folder}/" if folder else ""
            splits = tuple(Split(key, tuple(prefix + path for path in files)) for key, files in _resolve(seen, patterns).items())
            result.append(Config(config.name, splits, form, options, config.default))
        except BadPattern as error:
            result.append(_failed(config, error.code, {"pattern": error.pattern}))
        except Unreadable as error:
            result.append(_failed(config, error.code, error.facts))
    return result


def _failed(config: Config, code: str, facts: dict[str, Any]) -> Config:
    return Config(config.name, (), config.format, config.options, config.default, code, facts)


def _configs(matter: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the `configs:` of the front matter by name."""
    listed = matter.get("configs")
    if not listed:
        return {}
    if not isinstance(listed, list) or len(listed) > MAX_CONFIGS:
        raise Unreadable("bad_configs")
    found: dict[str, dict[str, Any]] = {}
    for config in listed:
        if not isinstance(config, dict) or config.get("config_name") in (None, ""):
            raise Unreadable("config_without_name")
        found[str(config["config_name"])] = {str(key): value for key, value in config.items() if key != "config_name"}
    return found


def _default_name(configs: Mapping[str, Mapping[str, Any]]) -> str | None:
    named = [name for name, params in configs.items() if len(configs) == 1 or name == "default" or params.get("default")]
    if len(named) > 1:
        raise Unreadable("several_defaults", first=named[0][:MAX_NAME], second=named[1][:MAX_NAME])
    return named[0] if named else None


def _patterns(data_files: Any) -> Patterns:
    """Return `data_files` of a configuration as patterns by split."""
    if isinstance(data_files, str):
        return {"train": [data_files]}
    if isinstance(data_files, dict):
        entries = list(data_files.items())
    elif not isinstance(data_files, list) or not data_files:
        raise Unreadable("bad_data_files")
    elif all(isinstance(entry, str) for entry in data_files):
        return {"train": list(data_files)}
    else:
        if not all(isinstance(entry, dict) and entry.keys() == {"split", "path"} for entry in data_files):
            raise Unreadable("bad_data_files")
        entries = [(entry["split"], entry["path"]) for entry in data_files]
    found: Patterns = {}
    for split, given in entries:
        patterns = [given] if isinstance(given, str) else given
        if not isinstance(patterns, list) or not all(isinstance(pattern, str) for pattern in patterns):
            raise Unreadable("bad_data_files")
        name = str(split)
        if not _SPLIT_NAME.match(name) or len(name) > MAX_NAME:
            raise Unreadable("bad_split_name", split=name[:MAX_NAME])
        if name in found:
            raise Unreadable("split_twice", split=name[:MAX_NAME])
        found[name] = patterns
    return found


def _default_patterns(tree: Tree) -> Patterns:
    """Return the first kind of pattern that any file fits; an empty mapping where there is no file."""
    visible = [path for path in tree.paths if not path.hidden and not path.special and path.name not in IGNORED]
    if shards := {found[1] for path in visible if (found := _SHARD.match(path.path))}:
        if bad := sorted(split for split in shards if not _SPLIT_NAME.match(split)):
            raise Unreadable("bad_split_name", split=bad[0][:MAX_NAME])
        order = [split for split in KEYWORDS if split in shards] + sorted(shards - KEYWORDS.keys())
        return {split: [_SHARDED.format(split)] for split in order}
    if any(path.name.endswith(".eval") and path.name != ".eval" for path in visible):
        return {"logs": ["**/*.eval"]}
    if any(path.name in ("task.toml", "instruction.md") for path in visible):
        return {"test": ["**/task.toml", "**/instruction.md"]}
    return _by_keyword(visible, _IN_FOLDER, "/") or _by_keyword(visible, _IN_NAME, "") or ({"train": ["**"]} if visible else {})


def _by_keyword(visible: Sequence[Path], forms: Iterable[str], end: str) -> Patterns:
    """Return the patterns of every split whose keyword stands, between separators, in a folder (`end` is a slash) or a file name."""
    found: Patterns = {}
    every = "|".join(word for words in KEYWORDS.values() for word in words)
    likely = re.compile(rf"(?:{every}).*/" if end else f"(?:{every})[^/]*$").search
    visible = [path for path in visible if likely(path.path)]
    for split, words in KEYWORDS.items():
        word = "|".join(words)
        after = rf"(?:{_SEPARATOR}[^/]*)?/" if end else rf"{_SEPARATOR}[^/]*\Z"
        search = re.compile(rf"(?:\A|/|{_SEPARATOR})(?:{word}){after}").search
        if any(search(path.path) for path in visible):
            found[split] = [form.format(word, _SEPARATOR) for word in words for form in forms]
    return found


def _resolve(tree: Tree, patterns: Patterns) -> dict[str, list[str]]:
    """Return the files of every split. Raises `Unreadable` where a plain path names nothing that can be read."""
    found: dict[str, list[str]] = {}
    for split, wanted in patterns.items():
        files = found.setdefault(split, [])
        for pattern in wanted:
            name = tidy(pattern).rpartition("/")[2]
            matched = [
                path.path
                for path in tree.match(pattern)
                if (path.name not in IGNORED or path.name == name) and any(f".{suffix}" in ALLOWED for suffix in path.name.split(".")[1:])
            ]
            if not matched and not has_magic(pattern):
                raise Unreadable("file_not_found", pattern=pattern[:MAX_NAME])
            files += matched
    return found


def _format(found: Mapping[str, Sequence[str]]) -> tuple[str, dict[str, Any]]:
    """Return the format of the files and its options. Raises `Unreadable` where splits differ, or no split has data."""
    formats = {split: _most_common(files) for split, files in found.items()}
    form, options = next(iter(formats.values()))
    if any(other != (form, options) for other in formats.values()):
        names = sorted({other[0] or "?" for other in formats.values()})
        raise Unreadable("several_formats", formats=", ".join(names))
    if not form:
        raise Unreadable("no_data_files")
    return form, dict(options)


def _most_common(files: Iterable[str]) -> tuple[str, dict[str, Any]]:
    """Return the format of the most frequent ending; metadata files count only where there is nothing else."""
    counts: Counter[tuple[str, bool]] = Counter()
    for path in files:
        name = path.rpartition("/")[2]
        kept = name in ALL_KEPT_NAMES
        counts.update((f".{suffix.lower()}", kept) for suffix in name.split(".")[1:])
    ranked = sorted(counts.items(), key=lambda one: (not one[0][1], one[1], *(one[0][0] == ending for ending in _FAVOURITES), one[0][0]))
    for (ending, _kept), _count in reversed(ranked):
        if ending in FORMATS:
            return FORMATS[ending]
        if ending == ".zip":
            return "zip", {}
    return "", {}


def _keeper(form: str) -> Any:
    if form == "zip":
        return lambda path: path.endswith(".zip")
    endings = re.compile(rf".*({'|'.join(map(re.escape, ENDINGS[form]))})(\..+)?$", re.ASCII)
    names = KEPT_NAMES.get(form, ())
    return lambda path: endings.match(path) is not None or (bool(names) and path.endswith(names))


def _features(matter: Mapping[str, Any], name: str, *, sole: bool) -> dict[str, Any]:
    """Return `dataset_info` of the front matter for one configuration, as an option; its column types only."""
    infos = matter.get("dataset_info")
    for info in infos if isinstance(infos, list) else [infos]:
        if isinstance(info, dict) and isinstance(info.get("features"), list):
            if str(info.get("config_name", "default")) == name or (sole and not isinstance(infos, list)):
                return {"features": info["features"]}
    return {}
