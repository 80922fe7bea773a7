import pytest

pytest.register_assert_rewrite("toolchain.runners.tests.contract", "toolchain.runners.tests.contract_ending")
