"""Three years of deliveries: what is the same in them, and what is planted."""

from collections import Counter
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from extracts.files import TRUTH
from extracts.years import DOUBLED, SHIFTED, make_years


@pytest.fixture(scope="module")
def years(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("years")
    make_years(folder, rows=2_000, customers=300, seed=1)
    return folder


def people(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, separator=";", infer_schema=False)


def test_the_second_year_is_the_first_and_a_tenth_more_people(years: Path) -> None:
    first, again = (years / year / "population-1.csv" for year in ("1", "2"))
    assert first.read_bytes() == again.read_bytes()
    assert people(first).height == 2_000
    assert people(years / "2" / "population-2.csv").height == 200


def test_nearly_everybody_is_young_in_the_third_year_and_else_as_before(years: Path) -> None:
    before, after = (people(years / year / "population-1.csv") for year in ("2", "3"))
    assert before.drop(SHIFTED).equals(after.drop(SHIFTED))
    young = Counter(after[SHIFTED])["1"] / after.height
    assert 0.75 < young < 0.95


def test_a_planted_segment_is_delivered_twice_in_the_third_year(years: Path) -> None:
    segment = pl.read_parquet(years / "drawn" / TRUTH["population"])["segment"]
    delivered = [people(years / "3" / f"population-{part}.csv") for part in (1, 2, 3)]
    assert delivered[2].equals(pl.concat(delivered[:2]).filter(segment == DOUBLED))
    assert delivered[2].height > 0


def test_the_bytes_of_a_seed_stay_what_they_are(years: Path) -> None:
    digest = sha256()
    for path in sorted(years.glob("[123]/*")):
        digest.update(path.read_bytes())
    assert digest.hexdigest()[:16] == "2ed3bfee935ac58f"
