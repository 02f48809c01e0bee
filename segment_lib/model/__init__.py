"""dask-ml's scaler, PCA and KMeans, repaired: exact, one pass, the same for any partitioning."""

from segment_lib.model.fitted import FittedModel, Projection
from segment_lib.model.kmeans import Clustering, KMeans, sweep
from segment_lib.model.lloyd import hold_in_memory
from segment_lib.model.pca import IncrementalPCA
from segment_lib.model.quality import (
    calinski_harabasz,
    choose_clusters,
    davies_bouldin,
    simplified_silhouette,
)
from segment_lib.model.sample import THIN_SIZE, sample_blocks, sample_silhouettes, thin_blocks
from segment_lib.model.scale import Moments, StandardScaler, moments

__all__ = [
    "THIN_SIZE",
    "Clustering",
    "FittedModel",
    "IncrementalPCA",
    "KMeans",
    "Moments",
    "Projection",
    "StandardScaler",
    "calinski_harabasz",
    "choose_clusters",
    "davies_bouldin",
    "hold_in_memory",
    "moments",
    "sample_blocks",
    "sample_silhouettes",
    "simplified_silhouette",
    "sweep",
    "thin_blocks",
]
