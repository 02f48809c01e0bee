"""Spark MLlib on this machine's cores: the same features, scaled, projected, cached, clustered."""

import os

from pyspark.ml.clustering import KMeans
from pyspark.ml.feature import PCA, StandardScaler, VectorAssembler
from pyspark.sql import SparkSession

from benchmarks.output import emit, phase
from benchmarks.peers.parts import open_features, parser

_MAX_ITER = 40
_TOL = 1e-4


def main() -> None:
    arguments = parser("spark", __doc__)
    arguments.add_argument("--driver-memory", default="6g", help="heap of the JVM")
    options = arguments.parse_args()
    features = open_features(options.run)
    spark = _session(options.driver_memory)
    java = spark.sparkContext._gateway.proc
    rows = spark.read.parquet(*(str(part) for part in features.parts))
    with phase("scale"):
        assembler = VectorAssembler(inputCols=list(features.names), outputCol="raw")
        X = assembler.transform(rows).select("raw")
        scaler = StandardScaler(inputCol="raw", outputCol="scaled", withMean=True).fit(X)
        scaled = scaler.transform(X).select("scaled").cache()
        n_rows = scaled.count()
    with phase("pca"):
        pca = PCA(k=options.n_components, inputCol="scaled", outputCol="features").fit(scaled)
        Z = pca.transform(scaled).select("features").cache()
        Z.count()
        scaled.unpersist()
    emit(rows=n_rows, explained=float(pca.explainedVariance.toArray().sum()))
    for k in options.fits:
        with phase(f"k={k}"):
            fitted = KMeans(k=k, maxIter=_MAX_ITER, tol=_TOL, seed=0).fit(Z)
        emit(fit=k, inertia=fitted.summary.trainingCost, n_iter=fitted.summary.numIter)
    spark.stop()
    # The JVM ends with its stdin. Waited for, its CPU time is told to whoever measures.
    java.stdin.close()
    java.wait()


def _session(driver_memory: str) -> SparkSession:
    return (
        SparkSession.builder.master(f"local[{os.cpu_count()}]")
        .config("spark.driver.memory", driver_memory)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.log.level", "ERROR")
        # Without it MLlib multiplies in plain Java.
        .config("spark.driver.extraJavaOptions", "--add-modules=jdk.incubator.vector")
        .getOrCreate()
    )


if __name__ == "__main__":
    main()
