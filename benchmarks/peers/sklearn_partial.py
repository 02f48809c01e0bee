"""scikit-learn out of core: scaler, IncrementalPCA and MiniBatchKMeans, part by part."""

from collections.abc import Iterator

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import IncrementalPCA
from sklearn.preprocessing import StandardScaler

from benchmarks.output import emit, phase
from benchmarks.peers.parts import Features, exact_inertia, open_features, parser


def main() -> None:
    arguments = parser("sklearn_partial", __doc__)
    arguments.add_argument("--epochs", type=int, default=3, help="readings of all rows")
    arguments.add_argument("--batch", type=int, default=8192, help="rows of a step of KMeans")
    options = arguments.parse_args()
    features = open_features(options.run)
    scaler, pca = StandardScaler(), IncrementalPCA(options.n_components)
    with phase("scale"):
        for block in features.blocks():
            scaler.partial_fit(block)
    with phase("pca"):
        for block in features.blocks():
            pca.partial_fit(scaler.transform(block))
    emit(rows=sum(features.rows), explained=float(pca.explained_variance_ratio_.sum()))
    # One reading serves all numbers of clusters, as nobody would read the file nineteen times.
    with phase("kmeans"):
        fitted = {k: MiniBatchKMeans(k, n_init=1, random_state=0) for k in options.fits}
        for _ in range(options.epochs):
            for scores in _scores(features, scaler, pca):
                for start in range(0, len(scores), options.batch):
                    batch = scores[start : start + options.batch]
                    # A step of fewer rows than clusters cannot begin a clustering.
                    if len(batch) >= max(options.fits):
                        for kmeans in fitted.values():
                            kmeans.partial_fit(batch)
    inertia = dict.fromkeys(options.fits, 0.0)
    for scores in _scores(features, scaler, pca):
        for k, kmeans in fitted.items():
            inertia[k] += exact_inertia(scores, kmeans.cluster_centers_)
    for k in options.fits:
        emit(fit=k, inertia=inertia[k], n_iter=options.epochs)


def _scores(
    features: Features, scaler: StandardScaler, pca: IncrementalPCA
) -> Iterator[np.ndarray]:
    for block in features.blocks():
        yield pca.transform(scaler.transform(block)).astype(np.float32)


if __name__ == "__main__":
    main()
