"""dask-ml's scaler, PCA and KMeans, repaired: exact, one pass, the same for any partitioning."""

from segment_lib.model.blocks import add_up, merge_blocks, row_blocks
from segment_lib.model.bounds import RowBounds
from segment_lib.model.checkpoint import SweepCheckpoint
from segment_lib.model.choice import (
    MIN_SHARE,
    Gain,
    Trial,
    choose_clusters,
    cross_fitted_gain,
    held_out_gain,
    holdout_split,
    numbers_to_choose,
    numbers_to_try,
)
from segment_lib.model.compact import CompactRows
from segment_lib.model.evaluate import (
    Tried,
    count_holdout,
    quality_figures,
    sample_silhouettes,
    trial_figures,
)
from segment_lib.model.fitted import FittedModel, Projection, segment_ids
from segment_lib.model.kmeans import KMeans
from segment_lib.model.likeness import Likeness, tally
from segment_lib.model.lloyd import DaskRows, LocalRows, Rows, local_rows
from segment_lib.model.logistic import (
    LogisticRegression,
    LogisticSums,
    NewtonFit,
    choose_penalty,
    newton,
    ridge,
)
from segment_lib.model.micro import MicroClusters, MicroModel
from segment_lib.model.pca import IncrementalPCA
from segment_lib.model.sample import sample_blocks, sample_size
from segment_lib.model.scale import Moments, StandardScaler, compute_moments
from segment_lib.model.stability import (
    RECLUSTERINGS,
    Overlap,
    compare_clusterings,
    cross_tables,
    overlap,
    recluster_samples,
)

__all__ = [
    "MIN_SHARE",
    "RECLUSTERINGS",
    "CompactRows",
    "DaskRows",
    "FittedModel",
    "Gain",
    "IncrementalPCA",
    "KMeans",
    "Likeness",
    "LocalRows",
    "LogisticRegression",
    "LogisticSums",
    "MicroClusters",
    "MicroModel",
    "Moments",
    "NewtonFit",
    "Overlap",
    "Projection",
    "RowBounds",
    "Rows",
    "StandardScaler",
    "SweepCheckpoint",
    "Trial",
    "Tried",
    "add_up",
    "choose_clusters",
    "choose_penalty",
    "compare_clusterings",
    "compute_moments",
    "count_holdout",
    "cross_fitted_gain",
    "cross_tables",
    "held_out_gain",
    "holdout_split",
    "local_rows",
    "merge_blocks",
    "newton",
    "numbers_to_choose",
    "numbers_to_try",
    "overlap",
    "quality_figures",
    "recluster_samples",
    "ridge",
    "row_blocks",
    "sample_blocks",
    "sample_silhouettes",
    "sample_size",
    "segment_ids",
    "tally",
    "trial_figures",
]
