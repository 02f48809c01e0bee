"""dask-ml's scaler, PCA and KMeans, repaired: exact, one pass, the same for any partitioning."""

from segment_lib.model.blocks import row_blocks
from segment_lib.model.checkpoint import SweepCheckpoint
from segment_lib.model.choice import (
    Gain,
    Trial,
    choose_clusters,
    count_holdout,
    held_out_gain,
    holdout_split,
    small_share,
)
from segment_lib.model.fitted import FittedModel, Projection, segment_ids
from segment_lib.model.kmeans import Clustering, KMeans, sweep
from segment_lib.model.lloyd import DaskRows, LocalRows, RowBounds, Rows, local_rows
from segment_lib.model.micro import MicroClusters, MicroModel
from segment_lib.model.pca import IncrementalPCA
from segment_lib.model.quality import calinski_harabasz, davies_bouldin, simplified_silhouette
from segment_lib.model.sample import (
    SUBSAMPLE_SIZE,
    sample_blocks,
    sample_silhouettes,
    subsample_blocks,
)
from segment_lib.model.scale import Moments, StandardScaler, moments
from segment_lib.model.stability import (
    Overlap,
    overlap,
    resampled_centers,
    segment_stability,
)

__all__ = [
    "SUBSAMPLE_SIZE",
    "Clustering",
    "DaskRows",
    "FittedModel",
    "Gain",
    "IncrementalPCA",
    "KMeans",
    "LocalRows",
    "MicroClusters",
    "MicroModel",
    "Moments",
    "Overlap",
    "Projection",
    "RowBounds",
    "Rows",
    "StandardScaler",
    "SweepCheckpoint",
    "Trial",
    "calinski_harabasz",
    "choose_clusters",
    "count_holdout",
    "davies_bouldin",
    "held_out_gain",
    "holdout_split",
    "local_rows",
    "moments",
    "overlap",
    "resampled_centers",
    "row_blocks",
    "sample_blocks",
    "sample_silhouettes",
    "segment_ids",
    "segment_stability",
    "simplified_silhouette",
    "small_share",
    "subsample_blocks",
    "sweep",
]
