"""The tests: in folders named like the layers, with what they stand on in `support`."""

import pytest

pytest.register_assert_rewrite("tests.support")
