"""A job on generated extracts: its config, what was delivered, and what it left."""

import re
from html import unescape
from pathlib import Path

import polars as pl

FILES = {"population": "Udacity_AZDIAS_Subset.csv", "customers": "Udacity_CUSTOMERS_Subset.csv"}


def write_config(folder: Path, extracts: Path, more: str = "") -> Path:
    path = folder / "job.toml"
    path.write_text(
        f'[inputs]\npopulation = "{FILES["population"]}"\ncustomers = "{FILES["customers"]}"\n'
        f'feature_summary = "{extracts / "AZDIAS_Feature_Summary.csv"}"\n'
        f"[run]\nrows_per_part = 10_000\n{more}"
    )
    return path


def parts(run: Path, stage: str, extract: str = "population") -> pl.DataFrame:
    files = sorted((run / stage / extract).glob("*.parquet"))
    return pl.concat([pl.read_parquet(file) for file in files])


def delivered(folder: Path, extract: str) -> pl.DataFrame:
    return pl.read_csv(folder / FILES[extract], separator=";", infer_schema=False)


def read_page(run: Path) -> str:
    """What a reader of the page sees, as one line of text."""
    html = (run / "report/index.html").read_text()
    html = re.sub(r"<(script|style|svg)\b.*?</\1>", " ", html, flags=re.DOTALL)
    html = re.sub(r"<span data-figure=[^>]*>(.*?)</span>", r"\1", html)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
