"""A home of a test's own."""

import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def open_home():
    """A home that PostgreSQL's own user can walk to, as it has to where root starts it."""
    folder = Path(tempfile.mkdtemp(prefix="rekku-home-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
