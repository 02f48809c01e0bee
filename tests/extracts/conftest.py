"""A small pair of extracts, made once."""

from pathlib import Path

import pytest

from extracts.files import make_extracts


@pytest.fixture(scope="session")
def extracts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60,000 population rows and 20,000 customers, with the planted segments."""
    folder = tmp_path_factory.mktemp("generated") / "extracts"
    make_extracts(folder, rows=60_000, customers=20_000, seed=3, truth=True)
    return folder
