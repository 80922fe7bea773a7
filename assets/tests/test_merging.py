"""Two changes of one text."""

import pytest

from assets.merging import merged

BASE = "a\nb\nc\nd\ne\nf\n"


@pytest.mark.parametrize(
    ("theirs", "mine", "expected"),
    [
        ("A\nb\nc\nd\ne\nf\n", "a\nb\nc\nd\ne\nF\n", "A\nb\nc\nd\ne\nF\n"),
        ("a\nb\nc\nd\ne\nf\ng\n", "0\na\nb\nc\nd\ne\nf\n", "0\na\nb\nc\nd\ne\nf\ng\n"),
        ("a\nd\ne\nf\n", "a\nb\nc\nd\ne\nx\nf\n", "a\nd\ne\nx\nf\n"),
        ("A\nb\nc\nd\ne\nf\n", "A\nb\nc\nd\ne\nf\n", "A\nb\nc\nd\ne\nf\n"),
        (BASE, "a\nX\nc\nd\ne\nf\n", "a\nX\nc\nd\ne\nf\n"),
        ("a\nX\nc\nd\ne\nf\n", BASE, "a\nX\nc\nd\ne\nf\n"),
        ("A\nb\nc\nd\ne\nf\n", "X\nb\nc\nd\ne\nf\n", None),
        ("a\nB\nc\nd\ne\nf\n", "a\nb\nC\nd\ne\nf\n", None),
        ("a\nb\nc\nd\ne\nf\nx\n", "a\nb\nc\nd\ne\nf\ny\n", None),
        ("", "a\nb\nc\nd\ne\nF\n", None),
    ],
)
def test_changes_that_do_not_touch_are_brought_together(theirs: str, mine: str, expected: str | None) -> None:
    assert merged(BASE, theirs, mine) == expected
    assert merged(BASE, mine, theirs) == expected


def test_very_long_texts_are_not_merged() -> None:
    assert merged("x\n" * 5_001, "x\n" * 5_001 + "y\n", "z\n" + "x\n" * 5_001) is None
