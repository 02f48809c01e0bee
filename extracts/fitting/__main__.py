"""Fit `model.json` and `patterns.csv` to the published figures and write them into a folder."""

import argparse
import logging
from pathlib import Path

from extracts.fitting.content import assemble_model, model_json
from extracts.fitting.correlation import published_target
from extracts.fitting.customers import fit_customers
from extracts.fitting.margins import printed_margins
from extracts.fitting.numbers import APART, number_margins
from extracts.fitting.patterns import fit_patterns, patterns_csv
from extracts.fitting.traits import spread_segments
from extracts.fitting.trials import calibrate_traits

log = logging.getLogger(__name__)


def main() -> None:
    """Fit patterns, marginals, traits and customers, one after the other; write both files."""
    parser = argparse.ArgumentParser(prog="python -m extracts.fitting", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if absent")
    folder: Path = parser.parse_args().out
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    fitted = fit_patterns()
    log.info("%d patterns kept of %d cells", len(fitted.patterns), len(fitted.cells.states))
    margins = printed_margins(fitted, apart=APART) | number_margins()
    target = published_target()
    traits = calibrate_traits(target, spread_segments(target), margins).rounded()
    log.info("%d traits calibrated", len(traits.names))
    customers = fit_customers(traits, margins, fitted)
    model = assemble_model(traits, margins, customers)
    _write(folder / "patterns.csv", patterns_csv(fitted))
    _write(folder / "model.json", model_json(model))
    log.info("patterns.csv and model.json written to %s", folder)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


if __name__ == "__main__":
    main()
