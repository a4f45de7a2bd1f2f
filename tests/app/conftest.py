"""What every test of pages without a browser shares."""

from __future__ import annotations

from functools import cache

import pytest
from streamlit.components.v2 import manifest_scanner


@pytest.fixture(scope="session", autouse=True)
def packages_looked_through_once() -> None:
    """Streamlit looks through every package of the environment for components, anew for each session of a test."""
    manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
