"""Which files are large objects, and the Git LFS pointer that stands for them."""

import re
from functools import lru_cache

from django.conf import settings

LARGE_TYPES = tuple(
    """
    7z arrow avi bin bmp bz2 ckpt db dduf flac ftz gguf ggml gif gz h5 heic jpeg jpg joblib lz4 mkv mlmodel model mov mp3 mp4 msgpack npy
    npz ogg onnx opus ot parquet pb pdf pickle pkl png pt pth rar safetensors sqlite tar tflite tgz tif tiff wasm wav webm webp xz zip zst
    """.split()
)
POINTER_LIMIT = 1024
_POINTER = re.compile(
    rb"\Aversion https://git-lfs\.github\.com/spec/v1\n(?:[a-z0-9.-]+ [^\n]*\n)*?oid sha256:([0-9a-f]{64})\n(?:[a-z0-9.-]+ [^\n]*\n)*?size (\d{1,18})\n?(?:[a-z0-9.-]+ [^\n]*\n)*\Z"
)


def is_large(path: str, size: int) -> bool:
    """Whether a file belongs in object storage: above the threshold, or of a weight, archive or media type."""
    return size > settings.LARGE_FILE_THRESHOLD or (path.rpartition(".")[2].lower() in LARGE_TYPES and "." in path)


def pointer(sha256: str, size: int) -> bytes:
    """Return the Git LFS pointer file of a large object (git-lfs specification, version 1)."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()


def parse_pointer(data: bytes) -> tuple[str, int] | None:
    """Return `(sha256, size)` of a pointer file, or None for any other content."""
    if len(data) > POINTER_LIMIT or not data.startswith(b"version https://git-lfs"):
        return None
    match = _POINTER.match(data)
    return (match[1].decode(), int(match[2])) if match else None


@lru_cache(maxsize=1)
def gitattributes() -> bytes:
    """Return the `.gitattributes` that a new repository starts with, so that git clients make the same choice."""
    return "".join(f"*.{suffix} filter=lfs diff=lfs merge=lfs -text\n" for suffix in LARGE_TYPES).encode()
