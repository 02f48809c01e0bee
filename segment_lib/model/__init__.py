"""dask-ml's scaler, PCA and KMeans, repaired: exact, one pass, the same for any partitioning."""

from segment_lib.model.fitted import FittedModel, Projection
from segment_lib.model.kmeans import Clustering, KMeans, sweep
from segment_lib.model.micro import MicroClusters, MicroModel
from segment_lib.model.pca import IncrementalPCA
from segment_lib.model.quality import calinski_harabasz, choose_clusters, davies_bouldin
from segment_lib.model.sample import sample_blocks, sample_silhouettes
from segment_lib.model.scale import Moments, StandardScaler, moments

__all__ = [
    "Clustering",
    "FittedModel",
    "IncrementalPCA",
    "KMeans",
    "MicroClusters",
    "MicroModel",
    "Moments",
    "Projection",
    "StandardScaler",
    "calinski_harabasz",
    "choose_clusters",
    "davies_bouldin",
    "moments",
    "sample_blocks",
    "sample_silhouettes",
    "sweep",
]
