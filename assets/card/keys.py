"""Which keys of a card's head stand for which setting, in the Hub's spelling and in the gallery's own."""

from dataclasses import dataclass
from typing import Any, Literal

Shape = Literal["one", "many", "flag"]
Style = Literal["hub", "gallery"]


@dataclass(frozen=True)
class Setting:
    """One column of an asset. `names` are the keys it is read from, the first that is present counts; case does not matter.

    `hub` and `gallery` are the keys it is written under in a card of that style. `vocabulary` holds its words, `limit` is the
    most characters of a value.
    """

    column: str
    names: tuple[str, ...]
    hub: str
    gallery: str
    shape: Shape = "one"
    vocabulary: str = ""
    limit: int = 64


SETTINGS: tuple[Setting, ...] = (
    Setting("title_zh", ("title_zh", "chinese_name", "name_zh", "pretty_name"), "title_zh", "Chinese_name", limit=96),
    Setting("description", ("description", "short_description"), "description", "Description", limit=90),
    Setting("licence", ("license", "licence"), "license", "License", vocabulary="licence"),
    Setting("task", ("task_type", "pipeline_tag", "task_categories", "task"), "pipeline_tag", "Task_type", vocabulary="task"),
    Setting("languages", ("language", "languages"), "language", "Language", "many", "language"),
    Setting("frameworks", ("framework", "frameworks", "library_name"), "library_name", "Framework", "many", "framework"),
    Setting("hardware", ("hardware",), "hardware", "Hardware", "many", "hardware"),
    Setting(
        "minimum_spec",
        ("minimum_hardware_requirement", "minimum_spec"),
        "minimum_hardware_requirement",
        "Minimum_hardware_requirement",
        vocabulary="spec",
    ),
    Setting("distributed", ("distributed",), "distributed", "Distributed", "flag"),
    Setting("industry", ("industry",), "industry", "Industry", vocabulary="industry"),
    Setting("platform", ("platform", "running_platform"), "platform", "Platform", vocabulary="platform"),
    Setting("base_models", ("base_model", "base_models"), "base_model", "Base_model", "many", limit=200),
    Setting("datasets", ("datasets", "dataset"), "datasets", "Datasets", "many", limit=200),
    Setting("tags", ("tags",), "tags", "Tags", "many"),
)
COLUMNS: tuple[str, ...] = tuple(setting.column for setting in SETTINGS)
BY_COLUMN: dict[str, Setting] = {setting.column: setting for setting in SETTINGS}
DEFAULTS: dict[str, Any] = {setting.column: {"one": "", "many": [], "flag": False}[setting.shape] for setting in SETTINGS}
MAX_VALUES = 100

# A card without `---` lines starts with one of these, the keys that the gallery documents for it.
BARE = frozenset(
    "framework minimum_hardware_requirement hardware language license task_type distributed industry "
    "train_image_url train_command_path infer_image_url infer_command_path".split()
)


def key_for(setting: Setting, style: Style, kind: str, values: int) -> str:
    """Return the key under which a card of this style says `setting`, with `values` values."""
    if style == "gallery":
        return setting.gallery
    if setting.column == "task" and kind == "dataset":
        return "task_categories"
    if setting.column == "frameworks" and values > 1:
        # Hub clients take one library only.
        return setting.gallery
    return setting.hub
