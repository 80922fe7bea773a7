"""How the name of a file says to read it: reports are kept for each pair of contents and form."""

import re

CONFIG, TEMPLATE, NOTEBOOK, PYTHON, SHELL, SOURCE = "config", "template", "notebook", "python", "shell", "source"
HTML, SVG, XML, YAML, PICKLE, PROTOBUF, ONNX = "html", "svg", "xml", "yaml", "pickle", "protobuf", "onnx"
PROGRAM, STARTER, MEDIA, KERAS = "program", "starter", "media", "keras"
MODULES, PATH_HOOK, WEIGHTS, ARCHIVE, TABLE, TEXT, OTHER = "modules", "pth", "weights", "archive", "table", "text", "other"

_CONFIGS = re.compile(r"^(?:.*config.*|model_index|metadata|model|architecture|chat_template|chat_templates|processor|schema)\.json$")
_BY_SUFFIX = {
    ".ipynb": NOTEBOOK, ".jinja": TEMPLATE, ".jinja2": TEMPLATE, ".j2": TEMPLATE, ".py": PYTHON, ".pyi": PYTHON, ".pyw": PYTHON,
    ".pyx": PYTHON, ".sh": SHELL, ".bash": SHELL, ".zsh": SHELL, ".fish": SHELL, ".ksh": SHELL, ".slurm": SHELL, ".sbatch": SHELL,
    ".html": HTML, ".htm": HTML, ".xhtml": HTML, ".svg": SVG, ".xml": XML, ".xsl": XML, ".xsd": XML, ".plist": XML, ".pmml": XML,
    ".yaml": YAML, ".yml": YAML, ".pb": PROTOBUF, ".onnx": ONNX, ".pth": PATH_HOOK, ".safetensors": WEIGHTS, ".gguf": WEIGHTS,
    ".h5": WEIGHTS, ".hdf5": WEIGHTS, ".keras": ARCHIVE, ".zip": ARCHIVE, ".tar": ARCHIVE, ".tgz": ARCHIVE, ".gz": ARCHIVE,
    ".bz2": ARCHIVE, ".xz": ARCHIVE, ".7z": ARCHIVE, ".rar": ARCHIVE, ".zst": ARCHIVE, ".npz": ARCHIVE, ".whl": ARCHIVE,
    ".csv": TABLE, ".tsv": TABLE, ".jsonl": TABLE, ".ndjson": TABLE, ".parquet": TABLE, ".arrow": TABLE,
    ".md": TEXT, ".txt": TEXT, ".rst": TEXT, ".json": TEXT, ".toml": TEXT, ".cfg": TEXT, ".ini": TEXT, ".log": TEXT, ".tex": TEXT,
}  # fmt: skip
_PICKLES = {
    ".pkl", ".pickle", ".pt", ".ckpt", ".joblib", ".dill", ".p", ".bin", ".npy", ".pck", ".pcl", ".pkl5", ".cloudpickle", ".model",
    ".mar", ".dat",
}  # fmt: skip
_SOURCES = {
    ".c", ".h", ".cc", ".cpp", ".hpp", ".cu", ".cuh", ".rs", ".go", ".java", ".kt", ".js", ".mjs", ".ts", ".tsx", ".jsx", ".rb", ".pl", ".php",
    ".lua", ".jl", ".r", ".swift", ".m", ".mm", ".scala", ".cs", ".sql", ".cmake", ".css",
}  # fmt: skip
_MEDIA = {
    ".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".ico", ".avif", ".heic", ".wav", ".flac", ".mp3", ".ogg", ".opus",
    ".m4a", ".mp4", ".webm", ".mkv", ".mov", ".avi", ".pdf", ".ttf", ".otf", ".woff", ".woff2",
}  # fmt: skip
# What a system runs when somebody opens it.
_STARTERS = {
    ".bat", ".cmd", ".vbs", ".vbe", ".jse", ".wsf", ".hta", ".scf", ".reg", ".ps1", ".psm1", ".desktop", ".lnk", ".url", ".scpt", ".applescript",
    ".command", ".scr", ".inf",
}  # fmt: skip
_PROGRAMS = {
    ".so", ".dll", ".dylib", ".exe", ".o", ".a", ".lib", ".pyd", ".sys", ".com", ".wasm", ".class", ".jar", ".pyc", ".pyo", ".node", ".ko",
    ".cubin", ".hsaco", ".fatbin", ".dex", ".deb", ".rpm", ".pkg", ".cab", ".msi", ".bc", ".appimage", ".elf", ".run", ".llamafile", ".efi",
    ".out", ".metallib",
}  # fmt: skip
_LIBRARY = re.compile(r"\.so(?:\.\d+)+$")


def form_of(path: str) -> str:
    """Return how the name of `path` says to read the file, in at most 16 characters."""
    name = path.rpartition("/")[2].lower()
    stem, dot, ending = name.rpartition(".")
    suffix = f".{ending}" if dot and stem else ""
    if name == "keras_metadata.pb":
        return KERAS
    if name == "modules.json":
        return MODULES
    if _CONFIGS.match(name):
        return CONFIG
    if form := _BY_SUFFIX.get(suffix):
        return form
    for form, suffixes in ((PICKLE, _PICKLES), (SOURCE, _SOURCES), (MEDIA, _MEDIA), (STARTER, _STARTERS), (PROGRAM, _PROGRAMS)):
        if suffix in suffixes:
            return form
    return PROGRAM if _LIBRARY.search(name) else OTHER
