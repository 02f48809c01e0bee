"""Preflight checks of a Dask cluster, which take seconds and come before any stage."""

import ipaddress
import os
import socket
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import cloudpickle
from distributed import Client
from distributed.comm.addressing import get_address_host, parse_address

from segment_lib.cluster.memory import BASE, MIB
from segment_lib.cluster.versions import PACKAGES, code_of, versions_of
from segment_lib.errors import ClusterError, JobError
from segment_lib.storage.files import file_size, make_private, remove, write_file
from segment_lib.storage.location import Location
from segment_lib.storage.scratch import sweep_private_folders
from segment_lib.storage.stores import as_location, is_remote

_ASKED = (*PACKAGES, "distributed", "cloudpickle")
"""Whose versions decide the bytes, or whether tasks can be sent at all."""
PAUSE = 0.8
"""Share of its memory limit above which a worker takes no more tasks: Dask's default."""
_PATIENCE = 10
"""Seconds a worker has to answer."""
_MOST = 4
"""Faults told in one line."""


def refuse_open(addresses: Mapping[str, str]) -> None:
    """Raise a ClusterError unless the cluster is closed to others: under TLS, or on loopback.

    Parameters
    ----------
    addresses : by who is there, such as "the scheduler"
    """
    for who, address in addresses.items():
        if not is_private(address):
            raise ClusterError(
                f"{who} at {address}: plain {parse_address(address)[0]} beyond this machine, where "
                "anyone may read rows and run code. Start scheduler and workers with TLS (tls://) "
                "or on loopback (--host 127.0.0.1), or say --insecure-cluster in a closed network."
            )


def is_private(address: str) -> bool:
    """Return True for an address under TLS or on loopback."""
    if parse_address(address)[0] in ("tls", "wss"):
        return True
    try:
        hosts = socket.getaddrinfo(get_address_host(address), None)
        return all(ipaddress.ip_address(host[4][0]).is_loopback for host in hosts)
    except (OSError, ValueError):
        return False


def preflight(
    client: Client, *, root: Location, inputs: Sequence[Location], part_bytes: int
) -> Sequence[str]:
    """Check that every worker can do the job and sees the run folder and the inputs.

    Parameters
    ----------
    root : the run folder, which exists
    part_bytes : what a part in flight takes at the most

    Returns
    -------
    remarks : what works but could be better

    Raises
    ------
    ClusterError
        If one cannot. It names the workers and says what to do.
    """
    names = {
        address: f"worker {worker['name']}"
        for address, worker in client.scheduler_info()["workers"].items()
    }
    _refuse_other_versions(client, names)
    faults = _memory_faults(client, part_bytes)
    remarks = []
    with _tokens(root) as (folder, token), _sent_by_value():
        looks = _ask(
            client,
            names,
            folder,
            token,
            [(str(file), file_size(file)) for file in inputs],
        )
        for address, look in looks.items():
            seen = folder / look["left"] if look["left"] else None
            if not look["unseen"] and not (seen and seen.read_text() == address):
                look["unseen"] = f"{root}: what it writes there is not seen here"
            if look["unseen"]:
                faults.append(f"{names[address]}: {look['unseen']}. {_advice(look['unseen'])}")
            if look["fork"]:
                faults.append(
                    f"{names[address]}: forks, and Polars hangs in a fork. Set "
                    "distributed.worker.multiprocessing-method to spawn"
                )
            if look["polars_threads"] > look["threads"]:
                remarks.append(
                    f"{names[address]}: {look['polars_threads']} threads of Polars for "
                    f"{look['threads']} of Dask. Start it with POLARS_MAX_THREADS={look['threads']}"
                )
    _refuse(faults)
    return remarks


def usable_memory(client: Client) -> int | None:
    """Bytes of one process equivalent to the memory of all workers; None: no limit."""
    limits: list[int] = [
        worker["memory_limit"] for worker in client.scheduler_info()["workers"].values()
    ]
    if not all(limits):
        return None
    return BASE + sum(max(0, round(PAUSE * limit) - BASE) for limit in limits)


def installed() -> dict[str, str]:
    """Return the versions of Python and of each package here, with the code hash of segment_lib."""
    versions = versions_of(_ASKED)
    versions["segment_lib"] += f" ({code_of('segment_lib')})"
    return versions


def differing(versions: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Return the version of each package that differs from the wanted one, and that one."""
    return [
        f"{name} {versions.get(name, 'none')}, here {wanted[name]}"
        for name in wanted
        if versions.get(name) != wanted[name]
    ]


def _advice(unseen: str) -> str:
    if is_remote(unseen):
        return "Give each worker credentials and settings of the object store, in its environment"
    return "Mount the folders of the run and of its inputs under the same path on every machine"


def _refuse(faults: Sequence[str]) -> None:
    if faults:
        more = f" And {len(faults) - _MOST} more." if len(faults) > _MOST else ""
        raise ClusterError(f"The cluster is unfit. {'. '.join(faults[:_MOST])}.{more}")


def _refuse_other_versions(client: Client, names: Mapping[str, str]) -> None:
    # Dask's own question: it is answered even where nothing of ours can be unpickled.
    answers = client.sync(client._get_versions, packages=[*_ASKED], callback_timeout=_PATIENCE)
    installed = answers["client"]["packages"]
    asked = ("python", *_ASKED)
    faults = []
    answers_by_machine = {"the scheduler": answers["scheduler"]} | {
        names[address]: answer for address, answer in answers["workers"].items() if address in names
    }
    for who, answer in answers_by_machine.items():
        versions = answer["packages"]
        other = [
            f"{n} {versions[n] or 'missing'} (here {installed[n]})"
            for n in asked
            if versions[n] != installed[n]
        ]
        if other:
            faults.append(f"{who} has {', '.join(other)}")
    if faults:
        faults[-1] += ". Install the locked versions, and the same segment_lib, everywhere"
    _refuse(faults)
    if silent := [name for address, name in names.items() if address not in answers["workers"]]:
        raise ClusterError(f"{', '.join(silent)}: does not answer. Stop it, or start it again.")


def _memory_faults(client: Client, part_bytes: int) -> list[str]:
    faults = []
    for worker in client.scheduler_info()["workers"].values():
        limit, threads = worker["memory_limit"], worker["nthreads"]
        needed = round((BASE + threads * part_bytes) / PAUSE)
        if limit and limit < needed:
            faults.append(
                f"worker {worker['name']}: a memory limit of {limit // MIB} MiB, and {threads} "
                f"part{'s' * (threads > 1)} in flight need {-(-needed // MIB)} MiB. Start it with "
                "more --memory-limit or fewer --nthreads, or set a smaller run.rows_per_part"
            )
    return faults


@contextmanager
def _tokens(root: Location) -> Iterator[tuple[Location, str]]:
    """Make a folder with a file that workers are to read; removed on exit."""
    token = uuid.uuid4().hex
    folder = root / ".work" / f"preflight-{token}"
    make_private(folder)
    try:
        write_file(folder, "token", token.encode())
        yield folder, token
    finally:
        remove(folder)


@contextmanager
def _sent_by_value() -> Iterator[None]:
    """Pickle functions of this module by value, so that workers run this version of them."""
    modules = [sys.modules[name] for name in (__name__, code_of.__module__)]
    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in modules:
            cloudpickle.unregister_pickle_by_value(module)


def _ask(
    client: Client,
    names: Mapping[str, str],
    folder: Location,
    token: str,
    inputs: Sequence[tuple[str, int]],
) -> dict[str, dict[str, Any]]:
    """Run `_look` on every worker and return the answers by address."""
    try:
        looks = client.run(
            _look,
            str(folder),
            token,
            inputs,
            workers=list(names),
            on_error="return",
            callback_timeout=_PATIENCE,
        )
    except TimeoutError:
        raise ClusterError(
            f"A worker did not say within {_PATIENCE} s whether it sees {folder.parent.parent}. "
            "Look at the file systems it has mounted."
        ) from None
    own_code = code_of("segment_lib")
    faults = []
    for address, look in looks.items():
        if isinstance(look, BaseException):
            faults.append(f"{names[address]}: cannot be asked ({type(look).__name__})")
        elif look["code"] != own_code:
            faults.append(
                f"{names[address]}: other code of segment_lib under the same version. Install the "
                "same segment_lib everywhere"
            )
    _refuse(faults)
    return dict(looks)


def _look(
    folder: str, token: str, inputs: Sequence[tuple[str, int]], dask_worker: Any
) -> dict[str, Any]:
    """Report what a worker sees and how it was started. Leaves its address in the folder.

    What killed workers of this run folder left on the machine goes: no task has begun yet.
    """
    import dask
    import polars

    unseen, left = "", ""
    sweep_private_folders(as_location(folder).parent.parent)
    try:
        if (as_location(folder) / "token").read_text() != token:
            unseen = f"{as_location(folder).parent.parent}: is not the run folder"
        else:
            left = uuid.uuid4().hex
            write_file(as_location(folder), left, dask_worker.address.encode())
        for path, size in inputs:
            with as_location(path).open("rb") as file:
                if file.seek(0, os.SEEK_END) != size:
                    unseen = f"{path}: of another size than here"
    except OSError as error:
        unseen = f"{error.filename}: {error.strerror}" if error.filename else str(error)
    except JobError as error:
        unseen = str(error).rstrip(".")
    return {
        "unseen": unseen,
        "left": left,
        "code": code_of("segment_lib"),
        "threads": dask_worker.state.nthreads,
        "polars_threads": polars.thread_pool_size(),
        "fork": dask_worker.nanny is not None
        and dask.config.get("distributed.worker.multiprocessing-method") == "fork",
    }
