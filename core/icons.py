"""Icons of the interface: our names, drawn by the `lucide` package."""

from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from xml.etree import ElementTree
from zipfile import ZipFile

# The interface names an icon for what it means; lucide draws it. Names absent here are lucide's own.
NAMES = {
    "activity": "activity",
    "adjustments-horizontal": "sliders-horizontal",
    "alert-circle": "circle-alert",
    "alert-triangle": "triangle-alert",
    "bold": "bold",
    "bolt": "zap",
    "book": "book-open",
    "box": "package",
    "building": "building-2",
    "chart-histogram": "chart-column",
    "chart-line": "chart-line",
    "circle-check": "circle-check",
    "circle-dashed": "circle-dashed",
    "circle-dot": "circle-dot",
    "cloud-upload": "cloud-upload",
    "code": "code",
    "cube": "box",
    "device-desktop": "monitor",
    "dots": "ellipsis",
    "edit": "square-pen",
    "file-code": "file-code",
    "file-download": "file-down",
    "file-text": "file-text",
    "file-zip": "file-archive",
    "fingerprint": "fingerprint-pattern",
    "flag": "flag",
    "git-branch": "git-branch",
    "git-commit": "git-commit-horizontal",
    "home": "house",
    "info-circle": "info",
    "key": "key-round",
    "language": "languages",
    "layers-subtract": "layers",
    "layout-grid": "layout-grid",
    "list-check": "list-checks",
    "list-numbers": "list-ordered",
    "login": "log-in",
    "logout": "log-out",
    "menu-2": "menu",
    "message": "message-square",
    "notes": "notebook-text",
    "photo": "image",
    "player-pause": "pause",
    "player-play": "play",
    "player-stop": "square",
    "refresh": "refresh-cw",
    "settings": "settings",
    "share": "share-2",
    "table": "table-2",
    "terminal-2": "square-terminal",
    "test-pipe": "test-tube",
    "trash": "trash-2",
    "versions": "gallery-horizontal-end",
    "world": "globe",
}
_SVG = "{http://www.w3.org/2000/svg}"

_FILES = {
    "file-text": "md txt rst pdf log",
    "file-code": "py json yaml yml toml sh js ts ipynb cfg ini xml html css c cpp h rs go java cu jinja",
    "table": "csv tsv parquet arrow jsonl xlsx feather",
    "photo": "png jpg jpeg gif webp svg bmp tif tiff ico",
    "file-music": "wav mp3 flac ogg m4a",
    "file-play": "mp4 webm mov mkv avi",
    "file-zip": "zip gz tar tgz bz2 xz zst 7z",
    "box": "safetensors gguf bin pt pth onnx ckpt h5 pb msgpack npz npy mindir om pkl model",
}
_BY_SUFFIX = {suffix: name for name, suffixes in _FILES.items() for suffix in suffixes.split()}


class UnknownIcon(LookupError):
    """Neither the interface nor lucide knows an icon of this name."""


@lru_cache(maxsize=1)
def _archive() -> ZipFile:
    return ZipFile(BytesIO(files("lucide").joinpath("lucide.zip").read_bytes()))


@lru_cache(maxsize=512)
def drawing(name: str) -> str:
    """Return the shapes inside the icon's 24 by 24 box, as markup; raises UnknownIcon."""
    try:
        source = _archive().read(f"{NAMES.get(name, name)}.svg")
    except KeyError:
        raise UnknownIcon(name) from None
    shapes = []
    for shape in ElementTree.fromstring(source):
        attributes = "".join(f' {key}="{value}"' for key, value in shape.attrib.items())
        shapes.append(f"<{shape.tag.removeprefix(_SVG)}{attributes}/>")
    return "".join(shapes)


@lru_cache(maxsize=1024)
def icon(name: str, extra: str = "") -> str:
    """Return the icon as inline SVG, hidden from assistive technology; `extra` are more class names."""
    classes = f"i {extra}".rstrip()
    return f'<svg class="{classes}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{drawing(name)}</svg>'


def of_file(name: str) -> str:
    """Return the name of the icon that stands for a file of this name."""
    return _BY_SUFFIX.get(name.rpartition(".")[2].lower(), "file")
