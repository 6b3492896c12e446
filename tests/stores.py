"""The stores that there are, for tests that run on each."""

import pytest

STORES = ("embedded", pytest.param("postgis", marks=pytest.mark.postgis))
