"""What makes a cluster unfit is told before any stage; real schedulers and workers throughout."""

import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import polars
import psutil
import pytest
from dask import delayed

import segment_lib
from segment_lib.cluster.preflight import is_private, refuse_open
from segment_lib.cluster.workers import connect
from segment_lib.errors import ClusterError
from segment_lib.storage.s3 import S3Path
from segment_lib.storage.scratch import private_folder
from tests.clusters import Cluster, cluster

MIB = 2**20


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Cluster]:
    """A scheduler on loopback; workers are the tests'."""
    with cluster(tmp_path / "cluster") as nodes:
        nodes.scheduler()
        yield nodes


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def extract(tmp_path: Path) -> Path:
    path = tmp_path / "extract.csv"
    path.write_text("A;B\n1;2\n")
    return path


def outer_address() -> str:
    """An address of this machine that others could reach."""
    return next(
        address.address
        for addresses in psutil.net_if_addrs().values()
        for address in addresses
        if address.family == socket.AF_INET and not address.address.startswith("127.")
    )


def prepared(started: Cluster, run_dir: Path, *inputs: Path, part_mib: int = 1) -> list[str]:
    """The remarks on the cluster."""
    with connect(None, started.scheduler_file) as workers:
        return list(workers.prepare(root=run_dir, inputs=inputs, part_bytes=part_mib * MIB))


def refused(started: Cluster, run_dir: Path, *inputs: Path, part_mib: int = 1) -> str:
    """What is said of the unfit cluster, within the time promised."""
    began = time.monotonic()
    with pytest.raises(ClusterError) as raised:
        prepared(started, run_dir, *inputs, part_mib=part_mib)
    assert time.monotonic() - began < 120
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_fit_cluster_is_taken_without_a_word(started: Cluster, run_dir: Path, extract: Path):
    started.worker()
    assert prepared(started, run_dir, extract) == []


def test_nothing_of_the_preflight_stays_in_the_run_folder(started: Cluster, run_dir: Path):
    started.worker()
    prepared(started, run_dir)
    assert [path for path in run_dir.rglob("*") if path.name != ".work"] == []


def test_a_scheduler_without_workers_is_refused(started: Cluster):
    refusal = pytest.raises(ClusterError, match=r"none came within 1 s\. Start dask worker")
    with refusal, connect(None, started.scheduler_file, wait=1):
        pass


def other_polars(folder: Path) -> dict[str, str]:
    """An environment in which another polars is found first."""
    metadata = folder / "polars-1.99.0.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text("Metadata-Version: 2.1\nName: polars\nVersion: 1.99.0\n")
    return {"PYTHONPATH": str(folder)}


def test_a_worker_with_another_polars_is_refused_by_name_and_both_versions(
    started: Cluster, run_dir: Path, tmp_path: Path
):
    started.worker("--name", "new")
    started.worker("--name", "old", environment=other_polars(tmp_path / "shim"))
    with connect(None, started.scheduler_file) as workers:
        workers.client.wait_for_workers(2, timeout=30)
    line = refused(started, run_dir)
    assert f"worker old has polars 1.99.0 (here {polars.__version__})" in line
    assert "worker new" not in line


def test_other_code_under_the_same_version_is_refused(
    started: Cluster, run_dir: Path, tmp_path: Path
):
    other = tmp_path / "other" / "segment_lib"
    shutil.copytree(Path(segment_lib.__file__).parent, other)
    (other / "hashing.py").write_text((other / "hashing.py").read_text() + "# another\n")
    started.worker(environment={"PYTHONPATH": str(tmp_path / "other")})
    assert "other code of segment_lib" in refused(started, run_dir)


def within_mount(command: str, *arguments: Path) -> list[str]:
    """A command that runs another one where something else is mounted."""
    return [
        "unshare", "--map-root-user", "--mount", "sh", "-c",
        f'{command}; for _ in {" ".join("." * len(arguments))}; do shift; done; exec "$@"',
        "sh", *map(str, arguments),
    ]  # fmt: skip


def test_a_run_folder_that_a_worker_does_not_see_is_refused(started: Cluster, run_dir: Path):
    started.worker(within=within_mount('mount -t tmpfs none "$1"', run_dir))
    line = refused(started, run_dir)
    assert str(run_dir) in line
    assert "under the same path" in line


def test_a_run_folder_that_a_worker_cannot_write_is_refused(started: Cluster, run_dir: Path):
    read_only = 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1"'
    started.worker(within=within_mount(read_only, run_dir))
    assert "Read-only file system" in refused(started, run_dir)


def test_an_input_that_a_worker_does_not_see_is_refused(
    started: Cluster, run_dir: Path, tmp_path: Path
):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    (inputs / "extract.csv").write_text("A;B\n1;2\n")
    started.worker(within=within_mount('mount -t tmpfs none "$1"', inputs))
    line = refused(started, run_dir, inputs / "extract.csv")
    assert f"{inputs}/extract.csv: No such file" in line


def test_another_file_under_the_path_of_an_input_is_refused(
    started: Cluster, run_dir: Path, extract: Path, tmp_path: Path
):
    other = tmp_path / "other.csv"
    other.write_text("A;B\n1;2\n3;4\n")
    started.worker(within=within_mount('mount --bind "$1" "$2"', other, extract))
    assert "of another size than here" in refused(started, run_dir, extract)


def test_too_little_memory_for_a_part_is_refused_with_what_would_do(
    started: Cluster, run_dir: Path
):
    started.worker("--memory-limit", "1GiB")
    assert prepared(started, run_dir, part_mib=300) == []
    line = refused(started, run_dir, part_mib=400)
    # (480 MiB + a part of 400 MiB) / 0.8
    assert "a memory limit of 1024 MiB, and 1 part in flight need 1100 MiB" in line


def test_many_faults_are_told_in_one_line(started: Cluster, run_dir: Path):
    started.worker("--memory-limit", "500MiB", "--name", "small")
    started.worker("--name", "apart", within=within_mount('mount -t tmpfs none "$1"', run_dir))
    with connect(None, started.scheduler_file) as workers:
        workers.client.wait_for_workers(2, timeout=30)
    line = refused(started, run_dir)
    assert "worker small: a memory limit" in line
    assert "worker apart: " in line


def test_more_threads_of_polars_than_of_dask_are_remarked(started: Cluster, run_dir: Path):
    started.worker("--name", "wide", environment={"POLARS_MAX_THREADS": "3"})
    (remark,) = prepared(started, run_dir)
    assert remark.startswith("worker wide: 3 threads of Polars for 1 of Dask")
    assert "POLARS_MAX_THREADS=1" in remark


def test_workers_that_fork_are_refused(started: Cluster, run_dir: Path):
    started.start(
        "worker", "--host", "127.0.0.1", "--nworkers", "1", "--nthreads", "1",
        environment={"DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "fork"},
    )  # fmt: skip
    assert "to spawn" in refused(started, run_dir)


def test_what_a_killed_worker_left_on_its_machine_goes(
    started: Cluster, bucket: S3Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    there = tmp_path / "there"
    there.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(there))
    left, of_another = private_folder(bucket / "run"), private_folder(bucket / "another")
    (left / "rows").write_bytes(b"1")
    started.worker(environment={"TMPDIR": str(there)})
    prepared(started, bucket / "run")
    assert (left.exists(), of_another.exists()) == (False, True)


# Who could listen


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("tcp://127.0.0.1:8786", True),
        ("127.0.0.1:8786", True),
        ("tcp://localhost:8786", True),
        ("tcp://[::1]:8786", True),
        ("tls://192.0.2.1:8786", True),
        ("tcp://192.0.2.1:8786", False),
        ("192.0.2.1:8786", False),
        ("ws://192.0.2.1:8786", False),
        ("tcp://0.0.0.0:8786", False),
        ("tcp://no-such-host.invalid:8786", False),
    ],
)
def test_addresses_are_private_under_tls_or_on_loopback(address: str, private: bool):
    assert is_private(address) == private


def test_whoever_is_open_is_named():
    with pytest.raises(ClusterError, match=r"Worker 7 at tcp://192\.0\.2\.1:1: plain tcp"):
        refuse_open({"The scheduler": "tls://192.0.2.1:8786", "Worker 7": "tcp://192.0.2.1:1"})


def test_plain_tcp_to_another_address_is_refused_before_a_word_is_sent(tmp_path: Path):
    with socket.create_server((outer_address(), 0)) as server:
        server.settimeout(0.5)
        address = f"tcp://{outer_address()}:{server.getsockname()[1]}"
        with pytest.raises(ClusterError, match="--insecure-cluster"), connect(address, None):
            pass
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_scheduler_that_listens_to_all_is_refused_by_loopback_too(tmp_path: Path):
    with cluster(tmp_path / "cluster") as nodes:
        nodes.scheduler("--port", "0", "--host", "0.0.0.0")
        nodes.worker()
        port = nodes.scheduler_file.read_text().split(f"{outer_address()}:")[1].split('"')[0]
        address = f"tcp://127.0.0.1:{port}"
        with pytest.raises(ClusterError, match="The scheduler at"), connect(address, None):
            pass
        with connect(address, None, insecure=True) as workers:
            assert workers.threads == 1


def test_a_worker_that_listens_to_others_is_refused(started: Cluster):
    started.worker("--name", "open", host=outer_address())
    refusal = pytest.raises(ClusterError, match="Worker open at")
    with refusal, connect(None, started.scheduler_file):
        pass


# What workers are made to be


def test_spilled_rows_and_what_else_a_worker_writes_are_private(started: Cluster, run_dir: Path):
    def write(folder: str, dask_worker) -> str:
        path = Path(dask_worker.local_directory) / "written"
        path.write_text("")
        return str(path)

    started.worker()
    with connect(None, started.scheduler_file) as workers:
        workers.prepare(root=run_dir, inputs=[], part_bytes=1)
        (path,) = workers.client.run(write, "").values()
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


def test_a_worker_that_joins_later_is_prepared_too(started: Cluster, run_dir: Path):
    def threads_of_products() -> set[int]:
        from threadpoolctl import threadpool_info

        return {pool["num_threads"] for pool in threadpool_info()}

    first = started.worker()
    with connect(None, started.scheduler_file) as workers:
        workers.prepare(root=run_dir, inputs=[], part_bytes=1)
        first.terminate()
        first.wait()
        started.worker(environment={"OPENBLAS_NUM_THREADS": "2", "OMP_NUM_THREADS": "2"})
        workers.client.wait_for_workers(1, timeout=30)
        assert list(workers.client.run(threads_of_products).values()) == [{1}]


def test_a_worker_that_joins_later_with_another_polars_leaves_again(
    started: Cluster, run_dir: Path, tmp_path: Path
):
    started.worker()
    with connect(None, started.scheduler_file) as workers:
        workers.prepare(root=run_dir, inputs=[], part_bytes=1)
        late = started.worker("--name", "late", environment=other_polars(tmp_path / "shim"))
        late.wait(timeout=30)
        assert len(workers.client.nthreads()) == 1
    assert "polars 1.99.0" in started.logs


def test_a_failed_task_leaves_no_cells_in_the_logs(started: Cluster, run_dir: Path):
    def fail(rows: list[str]) -> None:
        raise ValueError(f"could not parse {rows[0]}")

    started.worker()
    with connect(None, started.scheduler_file) as workers:
        workers.prepare(root=run_dir, inputs=[], part_bytes=1)
        with pytest.raises(ValueError, match="could not parse"):
            workers.run([delayed(fail)(["a-canary"])])
    assert "Compute Failed" in started.logs
    assert "a-canary" not in started.logs
