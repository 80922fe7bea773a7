import pytest

from repos.attributes import gitattributes, is_large, parse_pointer, pointer

SHA = "ab" * 32


@pytest.mark.parametrize(
    ("path", "size", "large"),
    [
        ("model.safetensors", 1, True),
        ("a/B.GGUF", 1, True),
        ("photo.png", 1, True),
        ("notes.txt", 10_000_000, False),
        ("notes.txt", 10_000_001, True),
        ("bin", 1, False),
        ("README.md", 1, False),
    ],
)
def test_large_by_type_or_size(path: str, size: int, large: bool) -> None:
    assert is_large(path, size) is large


def test_pointer_is_read_back() -> None:
    assert pointer(SHA, 12) == f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 12\n".encode()
    assert parse_pointer(pointer(SHA, 12)) == (SHA, 12)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"version https://git-lfs.github.com/spec/v1\n",
        pointer("zz" * 32, 1),
        pointer(SHA, 1).replace(b"size 1", b"size -1"),
        b"x" * 2000,
    ],
)
def test_other_content_is_no_pointer(data: bytes) -> None:
    assert parse_pointer(data) is None


def test_attributes_name_weights_for_git() -> None:
    assert b"*.safetensors filter=lfs diff=lfs merge=lfs -text\n" in gitattributes()
