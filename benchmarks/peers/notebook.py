"""The usual notebook: pandas and scikit-learn, all rows in memory, the steps in the usual order.

It reads the same extracts and takes the same decisions: the plan of a run of ours is its analyst's
sheet. So its features equal ours to the last row, and its inertia can be held against ours.
All steps are vectorised and numbers are float32 from the first step on. The result of every cell
stays, as it does in a notebook; with ``--let-go`` each frame is freed once the next is made. With
``--float64`` numbers are what pandas makes of them if nothing is said.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from benchmarks.output import emit, phase
from segment_lib.config import Config, load_config

Rule = Mapping[str, Any]
"""An entry of plan.json."""


def main() -> None:
    options = _parser().parse_args()
    config = load_config(options.config, options.set)
    plan = json.loads(options.plan.read_text())["attributes"]
    dtype = "float64" if options.float64 else "float32"
    cells: list[object] = []
    keep = _let_go if options.let_go else cells.append
    with phase("clean"):
        population, customers, asides = clean(config, dtype, keep)
    with phase("features"):
        X = features(population, plan, dtype)
        C = features(customers, plan, dtype)
        keep((population, customers))
        del population, customers
    emit(rows=len(X), features=X.shape[1], customers=len(C), set_aside=asides)
    if options.compare:
        emit(features_equal=equal(X, C, options.compare))
        return
    with phase("scale"):
        scaler = StandardScaler()
        scaled = scaler.fit_transform(X.to_numpy())
        keep(X)
        del X
    with phase("pca"):
        wanted = config.model.n_components
        if isinstance(wanted, str):
            raise SystemExit(
                "Set model.n_components to a share or a number, and scaling = feature."
            )
        pca = PCA(wanted if wanted < 1 else int(wanted), random_state=0)
        Z = pca.fit_transform(scaled)
        keep(scaled)
        del scaled
    emit(n_components=int(pca.n_components_))
    least, most = config.model.sweep
    fitted = {}
    for k in range(least, most + 1):
        with phase(f"k={k}"):
            fitted[k] = KMeans(k, n_init=1, random_state=0).fit(Z)
        emit(fit=k, inertia=float(fitted[k].inertia_), n_iter=int(fitted[k].n_iter_))
    with phase("customers"):
        chosen = fitted[options.n_clusters]
        segments = chosen.predict(pca.transform(scaler.transform(C.to_numpy())))
        share = np.bincount(chosen.labels_, minlength=chosen.n_clusters) / len(Z)
        customer_share = np.bincount(segments, minlength=chosen.n_clusters) / len(C)
        index = 100 * customer_share / share
    emit(index=sorted(round(float(i), 1) for i in index))


def clean(
    config: Config, dtype: str, keep: Callable[[object], None]
) -> tuple[pd.DataFrame, pd.DataFrame, list[int]]:
    """Both extracts with missing codes as NaN, without sparse rows; how many those are."""
    summary = pd.read_csv(config.inputs.feature_summary, sep=";")
    listed = summary["missing_or_unknown"].str.strip("[]").str.split(",")
    codes = dict(zip(summary["attribute"], listed, strict=True))
    paths = (config.inputs.population, config.inputs.customers)
    extracts = []
    for path in paths:
        rows = pd.read_csv(path, sep=config.inputs.separator or ";", low_memory=False)
        extracts.append(known(rows, codes, dtype))
        keep(rows)
        keep(extracts[-1])
    population, customers = extracts
    kept = population.columns[population.isna().mean() <= config.cleaning.max_missing_share]
    most = config.cleaning.max_missing_per_row
    most = int(most * len(kept)) if most < 1 else int(most)
    enough = [rows[kept].isna().sum(axis=1) <= most for rows in (population, customers)]
    asides = [int((~rows).sum()) for rows in enough]
    return population.loc[enough[0], kept], customers.loc[enough[1], kept], asides


def known(rows: pd.DataFrame, codes: Mapping[str, list[str]], dtype: str) -> pd.DataFrame:
    """Missing codes to NaN; numbers as floats, words in one spelling."""
    columns = {}
    for name, listed in codes.items():
        column = rows[name]
        if pd.api.types.is_numeric_dtype(column):
            numbers = pd.to_numeric(pd.Series(listed, dtype=str), errors="coerce").dropna()
            columns[name] = column.astype(dtype).mask(column.isin(numbers))
        else:
            column = column.str.removesuffix(".0").astype("category")
            columns[name] = column.cat.remove_categories(column.cat.categories.intersection(listed))
    return pd.DataFrame(columns)


def features(rows: pd.DataFrame, plan: Mapping[str, Rule], dtype: str) -> pd.DataFrame:
    """The features of the plan, missing values filled."""
    made: dict[str, Any] = {}
    for name, rule in plan.items():
        if rule["rule"] != "drop":
            made.update(RULES[rule["rule"]](rows[name], rule))
    return pd.DataFrame(made, dtype=dtype)


def number(column: pd.Series, rule: Rule) -> dict[str, pd.Series]:
    if "levels" in rule:
        column = column.where(column.isin(_codes(column, rule["levels"])))
    return {rule["features"][0]: column.fillna(rule["fill"])}


def binary(column: pd.Series, rule: Rule) -> dict[str, pd.Series]:
    zero, one, fill = _codes(column, [rule["zero"], rule["one"], rule["fill"]])
    if fill == one:
        return {rule["features"][0]: column != zero}
    return {rule["features"][0]: column == one}


def one_hot(column: pd.Series, rule: Rule) -> dict[str, pd.Series]:
    levels = _codes(column, rule["levels"])
    if rule["fill"] is not None:
        column = column.fillna(_codes(column, [rule["fill"]])[0])
    dummies = pd.get_dummies(pd.Categorical(column, categories=levels), dtype=bool)
    dummies.columns, dummies.index = rule["features"], column.index
    return dict(dummies.items())


def recode(column: pd.Series, rule: Rule) -> dict[str, pd.Series]:
    made = {}
    for feature, table in rule["tables"].items():
        values_of = {code: value for code, value in table.items() if value is not None}
        values = column.map(dict(zip(_codes(column, values_of), values_of.values(), strict=True)))
        made[feature] = values.astype(float).fillna(rule["fill"][feature])
    return made


RULES: Mapping[str, Callable[[pd.Series, Rule], dict[str, pd.Series]]] = {
    "number": number,
    "binary": binary,
    "one-hot": one_hot,
    "recode": recode,
}


def equal(X: pd.DataFrame, C: pd.DataFrame, run: Path) -> bool:
    """True if the features are those of a run of ours: same names, same rows, same values."""
    for name, rows in (("population", X), ("customers", C)):
        ours = pd.concat(
            [pd.read_parquet(part) for part in sorted((run / "features" / name).glob("*.parquet"))]
        )
        if list(ours.columns) != ["row", *rows.columns]:
            return False
        if not np.array_equal(ours.pop("row"), rows.index):
            return False
        if not all(np.array_equal(ours[feature], rows[feature]) for feature in rows):
            return False
    return True


def _let_go(_: object) -> None:
    """What is not kept is freed when its name is."""


def _codes(column: pd.Series, levels: Any) -> list[Any]:
    """Levels of the plan, which are text, as the column holds them."""
    numeric = pd.api.types.is_numeric_dtype(column)
    return [float(level) if numeric else str(level) for level in levels]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers.notebook", description=__doc__
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--plan", type=Path, required=True, help="plan.json of a run of ours")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--n-clusters", type=int, default=10, help="the clustering to use")
    parser.add_argument("--let-go", action="store_true", help="free what is not read again")
    parser.add_argument("--float64", action="store_true", help="numbers as pandas reads them")
    parser.add_argument(
        "--compare", type=Path, metavar="RUN_DIR", help="compare features with ours, then stop"
    )
    return parser


if __name__ == "__main__":
    main()
