"""`gallery_train/` and `gallery_inference/`: where they stand and which files they hold, sections 14.2 and 14.3."""

from collections.abc import Mapping
from dataclasses import dataclass

from inspection.files import File
from toolchain.validator import contract, params, requirements, scripts
from toolchain.validator.findings import Concern, Notes, Serving, shown
from toolchain.validator.scripts import Folder
from toolchain.validator.texts import KIB, nearest, read_text

MAX_TEXT = 1024 * KIB
MOST_PLACES = 20
REQUIREMENTS = "requirements.txt"


@dataclass(frozen=True)
class Layout:
    """A folder of the specification: the files it must hold, the script among them."""

    name: str
    concern: Concern
    script: str
    required: tuple[str, ...]


TRAINING = Layout("gallery_train", "training", "train.py", ("train.py", "train_params.json", "dataset_readme.md"))
INFERENCE = Layout("gallery_inference", "inference", "inference.py", ("inference.py",))


def misplaced(layout: Layout, paths: Mapping[str, File]) -> list[tuple[str, str]]:
    """Return folders that look like `layout`'s and are not: the code that says why, and the path with a slash at its end."""
    found: dict[str, str] = {}
    for path in paths:
        # Most paths of a hundred thousand are not worth a closer look.
        parts = path.split("/") if "gallery" in path.casefold() else [path]
        for depth, part in enumerate(parts[:-1]):
            alike = part == layout.name or nearest(layout.name, [part])
            if alike and (depth or part != layout.name):
                found.setdefault("/".join(parts[: depth + 1]) + "/", "folder_nested" if depth else "folder_name")
                break
    return [(code, path) for path, code in sorted(found.items())][:MOST_PLACES]


def check(layout: Layout, files: Mapping[str, File], elsewhere: Mapping[str, str], concern: Concern) -> tuple[Notes, Serving | None]:
    """Return the findings about the folder and what is in it, and what its `inference.py` serves.

    For an image (`concern` begins with `image_`) the script is not needed and not looked at: the command takes its place.
    """
    notes = Notes(f"{layout.name}/", concern)
    inside = {path.removeprefix(f"{layout.name}/"): file for path, file in files.items() if path.startswith(f"{layout.name}/")}
    for code, path in misplaced(layout, files):
        about = notes.about(path)
        (about.warn if inside else about.error)(code, name=f"{layout.name}/")
    if layout.name in files:
        notes.about(layout.name).error("folder_is_file", name=f"{layout.name}/")
    image = concern.startswith("image_")
    if not inside and not image:
        return notes, None
    required = [name for name in layout.required if not (image and name == layout.script)]
    there = [name for name in required if _there(name, inside, layout, notes)]
    serving = _script(layout, Folder(layout.name, inside, elsewhere), notes) if layout.script in there else None
    for name in there:
        about = notes.about(f"{layout.name}/{name}")
        if name == "train_params.json":
            params.check(inside[name], about)
        elif name == "dataset_readme.md":
            read_text(inside[name], MAX_TEXT, about)
    if REQUIREMENTS in inside and not image:
        requirements.check(inside[REQUIREMENTS], frozenset(inside), notes.about(f"{layout.name}/{REQUIREMENTS}"))
    return notes, serving


def _script(layout: Layout, folder: Folder, notes: Notes) -> Serving | None:
    about = notes.about(f"{layout.name}/{layout.script}")
    tree = scripts.check(layout.script, folder, notes)
    if tree is None:
        return None
    if not tree.body:
        about.error("file_empty")
        return None
    return contract.check(tree, layout.script, folder, about) if layout is INFERENCE else None


def _there(name: str, inside: Mapping[str, File], layout: Layout, notes: Notes) -> bool:
    """Say whether a required file stands in the folder and is not empty; add the finding that names what stands there instead."""
    about = notes.about(f"{layout.name}/{name}")
    if name in inside:
        if inside[name].size == 0:
            about.error("file_empty")
        return inside[name].size > 0
    if similar := nearest(name, [path for path in inside if "/" not in path]):
        about.error("file_name", name=name, found=similar)
    elif deeper := next((path for path in sorted(inside) if path.endswith(f"/{name}")), ""):
        about.error("file_misplaced", name=name, found=shown(f"{layout.name}/{deeper}"))
    else:
        about.error("file_missing", name=name, folder=f"{layout.name}/")
    return False
