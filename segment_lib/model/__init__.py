"""dask-ml's scaler, PCA and KMeans, repaired: exact, one pass, the same for any partitioning."""

from segment_lib.model.blocks import row_blocks
from segment_lib.model.checkpoint import SweepCheckpoint
from segment_lib.model.choice import (
    Gain,
    Trial,
    choose_clusters,
    count_quarters,
    held_out_gain,
    quarters,
    small_share,
)
from segment_lib.model.fitted import FittedModel, Projection, segment_ids
from segment_lib.model.kmeans import Clustering, KMeans, sweep
from segment_lib.model.lloyd import Rows, RowsHere, RowsInBlocks, Standing, rows_here
from segment_lib.model.micro import MicroClusters, MicroModel
from segment_lib.model.pca import IncrementalPCA
from segment_lib.model.quality import calinski_harabasz, davies_bouldin, simplified_silhouette
from segment_lib.model.sample import THIN_SIZE, sample_blocks, sample_silhouettes, thin_blocks
from segment_lib.model.scale import Moments, StandardScaler, moments
from segment_lib.model.stability import (
    Overlap,
    overlap,
    reclusterings,
    segment_stability,
)

__all__ = [
    "THIN_SIZE",
    "Clustering",
    "FittedModel",
    "Gain",
    "IncrementalPCA",
    "KMeans",
    "MicroClusters",
    "MicroModel",
    "Moments",
    "Overlap",
    "Projection",
    "Rows",
    "RowsHere",
    "RowsInBlocks",
    "StandardScaler",
    "Standing",
    "SweepCheckpoint",
    "Trial",
    "calinski_harabasz",
    "choose_clusters",
    "count_quarters",
    "davies_bouldin",
    "held_out_gain",
    "moments",
    "overlap",
    "quarters",
    "reclusterings",
    "row_blocks",
    "rows_here",
    "sample_blocks",
    "sample_silhouettes",
    "segment_ids",
    "segment_stability",
    "simplified_silhouette",
    "small_share",
    "sweep",
    "thin_blocks",
]
