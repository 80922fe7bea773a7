"""What every test of the catalog starts from."""

import pytest

from assets.vocabulary import Terms


@pytest.fixture(autouse=True)
def terms_of_this_test() -> None:
    """Read the vocabularies again: another test may have changed them."""
    Terms.forget()
