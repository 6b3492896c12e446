"""The demo village, for those who look at it."""

import pytest

from fiberq_core.changes import Change
from fiberq_storage.demo import village
from tests.storage.village import PROJECT, Rows


@pytest.fixture(scope="module", params=[1, 7, 2026])
def demo_changes(request: pytest.FixtureRequest) -> tuple[Change, ...]:
    return village(request.param, project=PROJECT)


@pytest.fixture(scope="module")
def demo(demo_changes: tuple[Change, ...]) -> Rows:
    return {change.key: change.sent for change in demo_changes if change.sent is not None}
