"""Addresses of databases in the config: with a query, and without a password."""

from pathlib import Path

import pytest

from segment_lib.config import load_config
from segment_lib.errors import ConfigError

OTHERS = 'customers = "c.csv"\nfeature_summary = "s.csv"\n'


def inputs(folder: Path, text: str) -> Path:
    path = folder / "job.toml"
    path.write_text(f"[inputs]\n{OTHERS}{text}")
    return path


def test_an_address_stays_as_it_is_written(tmp_path: Path) -> None:
    text = 'population = "postgresql://host:5433/crm"\npopulation_query = "SELECT * FROM p"\n'
    own = load_config(inputs(tmp_path, text)).inputs
    assert own.path("population") == "postgresql://host:5433/crm"
    assert own.query("population") == "SELECT * FROM p"
    assert own.path("customers") == str(tmp_path / "c.csv")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('population = "postgresql://h/d"', "inputs.population_query is not set"),
        ('population = "p.csv"\npopulation_query = "SELECT 1"', "is not the address of a database"),
        *(
            (
                f'population = "postgresql://{address}"\npopulation_query = "SELECT 1"',
                "inputs.population holds a password; take it out and set PGPASSWORD",
            )
            for address in ("me:hunter2@h/d", "h/d?user=me&password=hunter2")
        ),
        (
            'population_query = "SELECT 1"\n[inputs.population]\n'
            'path = "postgresql://me:hunter2@h/d"',
            "inputs.population holds a password",
        ),
    ],
)
def test_addresses_and_queries_that_do_not_fit_are_refused(
    tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault) as refused:
        load_config(inputs(tmp_path, text))
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)
