"""dask-ml's own scaler, PCA and KMeans at the best settings known, on dask's threads.

Best settings: one block per part, `svd_solver="full"` ("auto" is wrong here), scores kept in
memory, one BLAS thread per task, and `tol`, which dask-ml takes as it is, scaled by the mean
variance as scikit-learn does it: unscaled, KMeans would run to `max_iter` or stop at once.
"""

import os

import dask
import dask.array as da
import numpy as np
from dask import delayed
from dask_ml.cluster import KMeans
from dask_ml.decomposition import PCA, IncrementalPCA
from dask_ml.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from benchmarks.output import emit, phase
from benchmarks.peers.parts import exact_inertia, open_features, parser

_TOL = 1e-4


def main() -> None:
    arguments = parser("dask_ml_raw", __doc__)
    arguments.add_argument("--pca", choices=("full", "incremental"), default="full")
    options = arguments.parse_args()
    features = open_features(options.run)
    with (
        threadpool_limits(limits=1),
        dask.config.set(scheduler="threads", num_workers=os.cpu_count()),
    ):
        with phase("read"):
            X = da.concatenate(
                [
                    da.from_delayed(
                        delayed(features.block)(part),
                        shape=(rows, len(features.names)),
                        dtype=np.float32,
                    )
                    for part, rows in zip(features.parts, features.rows, strict=True)
                ]
            ).persist()
        with phase("scale"):
            scaled = StandardScaler().fit_transform(X).astype(np.float32).persist()
            del X
        with phase("pca"):
            if options.pca == "full":
                pca = PCA(options.n_components, svd_solver="full", random_state=0)
            else:
                # A batch per part: the default of five times the features takes 25 times as long.
                pca = IncrementalPCA(
                    options.n_components, svd_solver="full", batch_size=max(features.rows)
                )
            Z = pca.fit(scaled).transform(scaled).astype(np.float32).persist()
            del scaled
        variance = float(Z.var(axis=0).mean().compute())
        emit(rows=len(Z), explained=float(np.sum(pca.explained_variance_ratio_)))
        for k in options.fits:
            fitted = KMeans(k, init="k-means||", tol=_TOL * variance, random_state=0)
            with phase(f"k={k}"):
                fitted.fit(Z)
            centers = fitted.cluster_centers_
            inertia = sum(exact_inertia(block.compute(), centers) for block in Z.blocks)
            emit(fit=k, inertia=inertia, n_iter=int(fitted.n_iter_))


if __name__ == "__main__":
    main()
