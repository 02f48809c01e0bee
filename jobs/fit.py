"""Scaling and principal components of the population, from one pass over its features."""

from typing import Any

from jobs.parts import work_done
from jobs.stage import Job, Outcome, Stage
from segment_lib.config import Config
from segment_lib.errors import DataError
from segment_lib.matrix import feature_array
from segment_lib.model import IncrementalPCA, Projection, StandardScaler
from segment_lib.storage.arrays import write_arrays
from segment_lib.storage.location import Location

BYTES_PER_FEATURE = 16
"""Of a feature value in memory while moments are added up; measured."""


def settings(config: Config) -> Any:
    return [config.model.n_components]


def inputs(job: Job) -> Any:
    return job.hashes("encode", "features/population/")


def run(job: Job, work: Location) -> Outcome:
    features = job.facts("encode")["features"]
    files = job.manifest.files("encode", "features/population/")
    at_once = job.at_once(BYTES_PER_FEATURE * len(features), max(file.rows or 0 for file in files))
    X = feature_array(job.root, files, features)
    if len(X) < 2:
        raise DataError("The population has a single row to learn from. Deliver more rows.")
    with job.workers.limited(at_once):
        scaler = StandardScaler().fit(X)
    wanted = job.config.model.n_components
    pca = IncrementalPCA(wanted if wanted < 1 else int(wanted))
    # The moments of the rows scaled follow from those that the scaler has: no second pass.
    pca.fit(scaler.transform(X), moments=scaler.scaled_moments())
    if not pca.all_explained_variance_ratio_.any():
        raise DataError("All rows of the population are alike: there is nothing to segment.")
    projection = Projection(scaler, pca)
    constant = [name for name, flag in zip(features, scaler.constant_, strict=True) if flag]
    shared = pca.explained_variance_ratio_.sum()
    told = f"{pca.n_components_} components hold {shared:.1%} of the variance of {len(features)}"
    told += f" features, {len(constant)} of which are constant" if constant else " features"
    return Outcome(
        [write_arrays(work, "model/projection.npz", projection.arrays())],
        len(X),
        len(X),
        told,
        {
            "n_components": pca.n_components_,
            "constant_features": constant,
            "parts": work_done(len(files)),
        },
    )


STAGE: Stage = Stage("fit", needs=("encode",), settings=settings, inputs=inputs, run=run)

if __name__ == "__main__":
    from jobs.run import main

    main(only="fit")
