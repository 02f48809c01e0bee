"""One block: relations that hold in every row, segments, and the codes that trip notebooks up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extracts.missing import marks, patterns
from extracts.model import model
from extracts.population import (
    BLOCK_ROWS,
    EXTRACTS,
    NOTHING,
    RARE_HOUSE_FROM,
    Block,
    draw_block,
)

AVANT_GARDE = [2, 4, 6, 7, 9, 11, 13, 15]


@pytest.fixture(scope="module", params=EXTRACTS)
def block(request: pytest.FixtureRequest) -> Block:
    return draw_block(1, request.param, 2)


def pairs(block: Block, fine: str, coarse: str) -> set[tuple[int, int]]:
    return set(zip(block.codes[fine].tolist(), block.codes[coarse].tolist(), strict=True))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from(EXTRACTS), st.integers(0, 10_000))
def test_a_block_depends_on_seed_extract_and_number_alone(
    seed: int, extract: str, number: int
) -> None:
    first, again = draw_block(seed, extract, number), draw_block(seed, extract, number)
    assert all(np.array_equal(first.codes[name], again.codes[name]) for name in first.codes)
    assert np.array_equal(first.segment, again.segment)


@pytest.mark.parametrize(
    ("fine", "coarse"),
    [
        ("LP_STATUS_FEIN", "LP_STATUS_GROB"),
        ("LP_FAMILIE_FEIN", "LP_FAMILIE_GROB"),
        ("CAMEO_DEU_2015", "CAMEO_DEUG_2015"),
        ("CAMEO_DEU_2015", "CAMEO_INTL_2015"),
    ],
)
def test_a_fine_code_has_one_coarse_code(block: Block, fine: str, coarse: str) -> None:
    codes = pairs(block, fine, coarse)
    assert len(codes) == len({code for code, _ in codes})


def test_a_fine_life_phase_has_one_coarse_one_and_some_rows_have_the_coarse_one_alone(
    block: Block,
) -> None:
    known = {
        pair for pair in pairs(block, "LP_LEBENSPHASE_FEIN", "LP_LEBENSPHASE_GROB") if pair[0] > 0
    }
    assert len(known) == len({fine for fine, _ in known}) == 40


def test_cameo_group_is_the_first_sign_of_the_cameo_code(block: Block) -> None:
    names = [*model()["cameo_deu"], "XX"]
    for deu, group in pairs(block, "CAMEO_DEU_2015", "CAMEO_DEUG_2015"):
        if deu != NOTHING and names[deu] != "XX":
            assert names[deu][0] == str(group)


def test_green_avantgarde_is_the_movement_of_the_youth_code(block: Block) -> None:
    movement = np.isin(block.codes["PRAEGENDE_JUGENDJAHRE"], AVANT_GARDE)
    assert np.array_equal(block.codes["GREEN_AVANTGARDE"], movement)


def test_households_of_nobody_have_no_child_score(block: Block) -> None:
    persons = block.codes["ANZ_PERSONEN"]
    nobody = (persons == 0) | (persons == NOTHING)
    assert np.array_equal(block.codes["W_KEIT_KIND_HH"] == NOTHING, nobody)


def test_set_aside_rows_have_no_segment_and_no_building(block: Block) -> None:
    assert np.array_equal(block.segment == -1, block.codes["GEBAEUDETYP"] == NOTHING)


def test_most_set_aside_rows_carry_the_default_profile(block: Block) -> None:
    aside = block.segment == -1
    for name, code in model()["default_codes"].items():
        values = block.codes[name][aside]
        values = values[values != NOTHING]
        assert (values == code).mean() > 0.75, name


def test_house_type_5_stands_in_one_row_whatever_the_seed() -> None:
    for seed in range(3):
        rows = np.flatnonzero(draw_block(seed, "population", 0).codes["GEBAEUDETYP"] == 5)
        assert len(rows) == 1
        assert RARE_HOUSE_FROM <= rows[0] < 1000
    assert (draw_block(0, "population", 1).codes["GEBAEUDETYP"] != 5).all()
    assert (draw_block(0, "customers", 0).codes["GEBAEUDETYP"] != 5).all()


def test_traits_are_whole_numbers_float64_holds_exactly() -> None:
    """Noise below 2**16, loadings and means below 2**17: sums stay far below 2**53."""
    widest = max(abs(v) for row in model()["loadings"] for v in row)
    steps = 10 * 4096
    assert steps * widest * len(model()["latents"]) < 2**53


@pytest.mark.parametrize("extract", EXTRACTS)
def test_a_block_holds_each_share_of_patterns_to_a_row(extract: str) -> None:
    block = draw_block(4, extract, 7)
    rows = patterns().rows[extract]
    share = rows[patterns().states[:, 0] == 0].sum() / rows.sum()
    assert abs((block.codes["SOHO_KZ"] == NOTHING).sum() - share * BLOCK_ROWS) <= 1


def test_every_mark_is_an_empty_cell_or_a_listed_code() -> None:
    from extracts.figures import missing_codes

    for pattern in patterns().tuples():
        for name, mark in marks(pattern).items():
            assert mark == "empty" or mark in missing_codes()[name]
