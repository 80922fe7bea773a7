"""Which file names belong to which kind of dataset: the table of the `datasets` library 5.2 (`datasets/packaged_modules/__init__.py`)."""

from typing import Any

_WORDS = {
    "csv": "csv tsv",
    "json": "json jsonl ndjson",
    "parquet": "parquet geoparquet gpq",
    "arrow": "arrow",
    "text": "txt",
    "conll": "conll conllu",
    "webdataset": "tar",
    "xml": "xml",
    "hdf5": "hdf5 h5",
    "eval": "eval",
    "harbor": "toml md",
    "lance": "lance",
    "tsfile": "tsfile",
    "vortex": "vortex",
    "fasta": "fa fasta fna ffn faa frn afa",
    "genbank": "gb gbk genbank",
    "fastq": "fq fastq",
    "mmcif": "cif mmcif",
}
# Endings that also count in capitals.
_MEDIA_WORDS = {
    "pdb": "pdb ent",
    "imagefolder": "blp bmp dib bufr cur pcx dcx dds ps eps fit fits fli flc ftc ftu gbr gif grib png apng jp2 j2k jpc jpf jpx j2c icns ico "
    "im iim tif tiff jfif jpe jpg jpeg msp pcd pxr pbm pgm ppm pnm psd bw rgb rgba sgi ras tga icb vda vst webp wmf emf xbm xpm",
    "audiofolder": "mpg aiff au avr caf flac htk svx mat4 mat5 mpc2k ogg paf pvf raw rf64 sd2 sds ircam voc w64 wav nist wavex wve xi mp3 "
    "opus 3gp 3g2 asf flv m4v webm f4v wmv wma ogm mxf nut",
    "videofolder": "mpeg avi mp4 mov mkv",
    "meshfolder": "glb gltf ply stl",
    "pdffolder": "pdf",
    "niftifolder": "nii",
}
_OPTIONS: dict[str, dict[str, Any]] = {".tsv": {"sep": "\t"}, ".conllu": {"comment_prefix": "#"}}

FORMATS: dict[str, tuple[str, dict[str, Any]]] = {}
"""The format that an ending stands for, with its options."""

ENDINGS: dict[str, list[str]] = {}
"""The endings whose files are kept for a format."""

for _format, _text in (_WORDS | _MEDIA_WORDS).items():
    _lower = [f".{word}" for word in _text.split()]
    _both = _lower + ([word.upper() for word in _lower] if _format in _MEDIA_WORDS else [])
    FORMATS.update({_ending: (_format, _OPTIONS.get(_ending, {})) for _ending in _both})
    ENDINGS[_format] = [*_both, ".zip"]
ENDINGS["lance"] += [".idx", ".txn", ".manifest"]

ALLOWED = frozenset([*FORMATS, ".zip", ".idx", ".txn", ".manifest"])
METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
KEPT_NAMES: dict[str, tuple[str, ...]] = {
    "harbor": ("task.toml", "instruction.md"),
    "lance": ("latest_version_hint.json",),
    **dict.fromkeys(
        ("pdb", "mmcif", "imagefolder", "audiofolder", "videofolder", "meshfolder", "pdffolder", "niftifolder"), METADATA_NAMES
    ),
}
"""Names kept for a format whatever their ending is."""

ALL_KEPT_NAMES = frozenset(name for names in KEPT_NAMES.values() for name in names)
READ = frozenset({"csv", "json", "parquet", "arrow", "text", "imagefolder", "audiofolder", "webdataset"})
"""The formats whose contents are read; the others are recognised only."""

IMAGES = frozenset(ending for ending in ENDINGS["imagefolder"] if ending.islower()) - {".zip"} | {".mpg", ".mpeg"}
AUDIO = frozenset(ending for ending in ENDINGS["audiofolder"] if ending.islower()) - {".zip"} | {".avi", ".mp4", ".mov", ".mkv"}
