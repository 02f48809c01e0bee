"""dask-ml's scaler, PCA and KMeans, repaired: exact, one pass, the same for any partitioning."""

from segment_lib.model.blocks import add_up, row_blocks
from segment_lib.model.bounds import RowBounds
from segment_lib.model.checkpoint import SweepCheckpoint
from segment_lib.model.choice import (
    Gain,
    Trial,
    choose_clusters,
    held_out_gain,
    holdout_split,
    numbers_to_try,
)
from segment_lib.model.compact import CompactRows
from segment_lib.model.evaluate import (
    count_holdout,
    evaluate,
    held_out_gains,
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
from segment_lib.model.sample import SUBSAMPLE_SIZE, sample_blocks, subsample_blocks
from segment_lib.model.scale import Moments, StandardScaler, compute_moments
from segment_lib.model.stability import Overlap, overlap, resampled_centers, segment_stability

__all__ = [
    "SUBSAMPLE_SIZE",
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
    "add_up",
    "choose_clusters",
    "choose_penalty",
    "compute_moments",
    "count_holdout",
    "evaluate",
    "held_out_gain",
    "held_out_gains",
    "holdout_split",
    "local_rows",
    "newton",
    "numbers_to_try",
    "overlap",
    "quality_figures",
    "resampled_centers",
    "ridge",
    "row_blocks",
    "sample_blocks",
    "sample_silhouettes",
    "segment_ids",
    "segment_stability",
    "subsample_blocks",
    "tally",
    "trial_figures",
]
