"""Names that are suggested, and what the names of specs say."""

import pytest

from toolchain.choices import first_free
from toolchain.compute.sizes import parse
from toolchain.models import Spec


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([], "net"),
        (["other", "network"], "net"),
        (["Net"], "net-2"),
        (["net", "NET-2", "net-4"], "net-3"),
        (["net-2"], "net"),
    ],
)
def test_first_number_is_added_that_makes_a_name_free(taken: list[str], name: str) -> None:
    assert first_free("net", taken, longest=63) == name


def test_number_fits_into_the_longest_name() -> None:
    long = "a" * 63
    assert first_free(long, [], longest=63) == long
    assert first_free(long, [long], longest=63) == "a" * 58 + "-2"


@pytest.mark.parametrize(
    ("code", "words"),
    [("1-snt9b-16-cpu-24-96", "1 × SNT9B 16 GiB, 24 vCPU, 96 GiB"), ("cpu-2-8", "2 vCPU, 8 GiB"), ("a100-large", None)],
)
def test_size_is_put_in_words(code: str, words: str | None) -> None:
    size = parse(code)
    assert (size and size.words) == words


@pytest.mark.parametrize(
    ("name", "tells"), [("CPU, 2 cores, 21 GB", True), ("Small", False), ("CPU, 2 cores", False), ("CPU, 12 cores, 21 GB", False)]
)
def test_spec_whose_name_tells_its_size_is_known(name: str, tells: bool) -> None:
    assert Spec(name_en=name, name_zh=name, vcpus=2, memory=21).tells_size is tells
