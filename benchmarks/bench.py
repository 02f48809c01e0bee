"""Ours against what a user would pick instead, on the same work, in one run.

    python -m benchmarks.bench --rows 100000

Parts: whole (extracts to segments, against the notebook), model (scale to sweep, against dask-ml,
Spark and scikit-learn part by part), micro (single passes against their floors), scale (ten times
the rows). A bound that is missed is said, never raised.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks import ours
from benchmarks.machine import conditions
from benchmarks.measure import Measured, measure
from benchmarks.ours import Delivery, Failed, python, succeed
from benchmarks.output import Output, parse_output
from benchmarks.table import Claim, Repeat, Section, Side, inertia_ratios, write_results

_ROOT = Path(__file__).parent.parent
_WITHIN = 1.005
"""Inertia of ours over the notebook's, at most: equal or lower within 0.5 %."""


@dataclass(frozen=True)
class Bench:
    """What is measured, and where its runs are kept."""

    delivery: Delivery
    runs: Path
    repeats: int
    fits: tuple[int, ...]
    """Numbers of clusters fitted by the peers that take long for each."""

    @property
    def base(self) -> Path:
        """A run of ours that others are held against or branch off from."""
        return self.runs / "base"


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(given)
    only = options.only.split(",")
    if unknown := [name for name in only if name not in PARTS]:
        print(f"no part {', '.join(unknown)}; choose from {', '.join(PARTS)}", file=sys.stderr)
        return 2
    full = options.rows == ours.ROWS
    size = "" if full else f"-{options.rows}"
    delivery = Delivery(options.config, _ROOT / f"data/azdias{size}", options.rows)
    fits = tuple(int(k) for k in options.fits.split(","))
    bench = Bench(delivery, _ROOT / f"runs/bench{size}", options.repeats, fits)
    measured_on = conditions(given)
    rows = f"{delivery.rows:,} + {delivery.customers:,} rows"
    # What is committed as the measured claim is of the real size; all else stays beside its runs.
    folder = options.out or (_ROOT / "benchmarks/results" if full else bench.runs)
    name = measured_on.slug if only == _DEFAULT else f"{measured_on.slug}-{'-'.join(only)}"
    delivery.make()
    sections: list[Section] = []
    page = folder / f"{name}.md"
    for part in only:
        _say(f"{part}: {rows}")
        sections += PARTS[part](bench)
        page = write_results(folder, name, measured_on, rows, sections)
    print(page.read_text())
    _say(f"written to {page}")
    return 0


def whole(bench: Bench) -> list[Section]:
    """Sections on the whole job, extracts to segments: ours and the notebook by turns."""
    _prepare(bench)
    note, same = _same_features(bench)
    our_repeats, part_repeats, default_repeats = [], [], []
    its_repeats, its_output = [], Output()
    for _ in range(bench.repeats):
        run = ours.fresh(bench.runs / "part")
        job = partial(bench.delivery.job, run, "--until", "assign")
        part_repeats.append(ours.as_repeat(_timed("ours, same work", job), run))
        run = ours.fresh(bench.runs / "whole")
        our_repeats.append(ours.as_repeat(_timed("ours", partial(bench.delivery.job, run)), run))
        by_default = ours.fresh(bench.runs / "default")
        job = partial(bench.delivery.job, by_default, *ours.BY_DEFAULT)
        default_repeats.append(ours.as_repeat(_timed("ours, by default", job), by_default))
        if not same:
            continue
        measured = _attempt("notebook", _notebook(bench, *_chosen(run)))
        if isinstance(measured, str):
            note = measured
            break
        its_output = parse_output(measured.stdout)
        its_repeats.append(_as_repeat(measured, its_output))
    run = bench.runs / "whole"
    mine = Side("ours", tuple(our_repeats), ours.inertias(run), _shape(run))
    inertia = {k: fit["inertia"] for k, fit in its_output.fits.items()}
    same_work = Side("ours, same work", tuple(part_repeats), note="up to the segment of everybody")
    its = Side("notebook", tuple(its_repeats), inertia, note)
    default_note = _shape(bench.runs / "default")
    default = Side("ours, by default", tuple(default_repeats), note=default_note)
    sides = [mine, same_work, default, its]
    claims: tuple[Claim, ...] = ()
    if its.repeats:
        sides += [_other_notebook(bench, run, option) for option in _OTHER_NOTEBOOKS]
        worst = max(inertia_ratios(mine, its).values())
        claims = (
            *(
                _faster(what, side, its)
                for what, side in (("same work", same_work), ("whole job", mine))
            ),
            _smaller(mine, its),
            Claim("inertia of ours over the notebook's, worst k", worst, _WITHIN, "at most"),
        )
    about = (
        "From the CSV extracts to the index of each segment, each in a process of its own, by "
        "turns; medians. Ratios are over ours. The same work is what the notebook does: up to the "
        "segment of everybody. The whole of ours goes on to profiles, limits by clustering anew, "
        "gains and the report. Both scale each feature and keep 85 % of the variance, as the "
        "notebook does; by default ours scales by attribute and keeps fewer components. The "
        "notebook is float32 and keeps the result of every cell; its other forms are run once, to "
        "show what memory thrift and float64 make of it."
    )
    return [Section("The whole job", about, tuple(sides), claims=claims)]


def model(bench: Bench) -> list[Section]:
    """Sections on the model part, features to sweep: ours against dask-ml, Spark, scikit-learn."""
    _prepare(bench)
    repeats: list[Repeat] = []
    run = bench.runs / "model"
    for _ in range(bench.repeats):
        ours.branch(bench.base, run)
        job = partial(bench.delivery.job, run, "--from", "fit", "--until", "sweep")
        repeats.append(ours.as_repeat(_timed("ours", job), run, only=("fit", "sweep")))
    mine = Side("ours", tuple(repeats), ours.inertias(run), _shape(run))
    tried = tuple(mine.inertia)
    components = str(ours.model(run)["n_components"])
    sides = [mine]
    for name, (program, fits) in _MODEL_PEERS.items():
        chosen = [k for k in bench.fits if k in tried] if fits == "some" else tried
        listed = ",".join(map(str, chosen))
        command = python(program, str(bench.base), "--n-components", components, "--fits", listed)
        sides.append(_peer(name, command, len(tried), bench.repeats))
    ours_per_fit = mine.median("seconds") / len(tried)
    lines = [("", "prepare s", "s per fit alone", "s per fit in all", "over ours")]
    claims = []
    for side in sides:
        if not side.repeats:
            continue
        per_fit = side.median("seconds") / len(tried)
        prepared = [sum(r.detail[n] for n in r.detail if n in _PREPARE) for r in side.repeats]
        prepare = sorted(prepared)[len(prepared) // 2]
        alone = per_fit - prepare / len(tried)
        ratio = per_fit / ours_per_fit
        lines.append(
            (side.name, f"{prepare:.1f}", f"{alone:.2f}", f"{per_fit:.2f}", f"{ratio:.1f}")
        )
        if bound := _PER_FIT.get(side.name):
            what = f"model part, per fit: wall time of {side.name} over ours"
            claims.append(Claim(what, ratio, bound, "at least"))
    about = (
        f"Scale, project and cluster the same feature parts for {len(tried)} numbers of clusters. "
        "Seconds are those of the work, start-up of Python and of the JVM left out, for all sides; "
        "CPU and memory are of the whole process tree. Where a peer fitted fewer numbers of "
        "clusters, its wall and CPU time is as if the others had taken the mean of those: "
        "preparing is spread over as many fits as ours makes."
    )
    return [Section("The model part", about, tuple(sides), tuple(lines), tuple(claims))]


def micro(bench: Bench) -> list[Section]:
    """Sections on single passes against their floors, in a process of its own."""
    _prepare(bench)
    run = bench.runs / "model"
    if not (run / "model" / "model.json").exists():
        ours.branch(bench.base, run)
        bench.delivery.job(run, "--until", "sweep")
    given = [str(run), str(bench.delivery.config), *bench.delivery.settings]
    measured = _attempt("micro", python("benchmarks.micro", *given))
    if isinstance(measured, str):
        return [Section("Passes against their floors", f"Failed: {measured}.")]
    lines = [("", "best s", "median s", "floor s", "over its floor", "floor")]
    claims = []
    for name, figure in parse_output(measured.stdout).facts.items():
        ratio = figure["best"] / figure["floor"]
        lines.append(
            (
                name,
                f"{figure['best']:.3f}",
                f"{figure['median']:.3f}",
                f"{figure['floor']:.3f}",
                f"{ratio:.2f}",
                figure["basis"],
            )
            if figure["unit"] == "s"
            else (name, "", "", "", f"{ratio:.2f}", figure["basis"])
        )
        if figure["bound"]:
            claims.append(Claim(name, ratio, figure["bound"], "at most"))
    about = "Pass and floor measured in one process, in turns, with as many threads; best of each."
    return [Section("Passes against their floors", about, (), tuple(lines), tuple(claims))]


def scale(bench: Bench) -> list[Section]:
    """Sections on ten times the rows in the same memory, ours alone."""
    small = bench.delivery
    large = Delivery(
        small.config, small.folder.with_name(small.folder.name + "-x10"), 10 * small.rows
    )
    large.make()
    sides = []
    for delivery in (small, large):
        run = ours.fresh(bench.runs / f"scale-{delivery.rows}")
        name = f"ours, {delivery.rows:,} rows"
        job = partial(delivery.job, run, "--memory", "2GiB")
        try:
            repeat = ours.as_repeat(_timed(name, job), run)
        except Failed as failure:
            sides.append(Side(name, note=str(failure)))
        else:
            sides.append(Side(name, (repeat,), note=_shape(run)))
    claims: tuple[Claim, ...] = ()
    if all(side.repeats for side in sides):
        time, memory = (
            sides[1].median(figure) / sides[0].median(figure) for figure in ("seconds", "peak_mib")
        )
        peak = sides[1].median("peak_mib")
        claims = (
            Claim("ten times the rows: time", time, 11, "at most"),
            Claim("ten times the rows: memory", memory, 1.15, "at most"),
            Claim('ten times the rows, memory = "2GiB": peak', peak, 2048, "at most", "MiB"),
        )
    about = 'The whole job, `memory = "2GiB"`, one run each.'
    return [Section("Ten times the rows", about, tuple(sides), claims=claims)]


_MODEL_PEERS = {
    "dask-ml": ("benchmarks.peers.dask_ml_raw", "some"),
    "spark": ("benchmarks.peers.spark", "some"),
    "sklearn-partial": ("benchmarks.peers.sklearn_partial", "all"),
}
"""Name to program, and whether it fits some numbers of clusters or all."""

_PER_FIT = {"dask-ml": 20.0, "spark": 10.0}
"""Bounds on seconds per fit over ours."""

_OTHER_NOTEBOOKS = {
    "--let-go": "notebook, frames let go",
    "--float64": "notebook in float64",
}
"""Option to name."""

_PREPARE = ("read", "scale", "pca", "fit")

PARTS: dict[str, Callable[[Bench], list[Section]]] = {
    "whole": whole,
    "model": model,
    "micro": micro,
    "scale": scale,
}
_DEFAULT = ["whole", "model", "micro"]


def _prepare(bench: Bench) -> None:
    """Run the base up to its features; check that the extracts have the size asked for."""
    bench.delivery.job(bench.base, "--until", "encode")
    rows = ours.stages(bench.base)["ingest"]["facts"]
    wanted = (bench.delivery.rows, bench.delivery.customers)
    if (rows["population"], rows["customers"]) != wanted:
        raise Failed(
            f"{bench.delivery.folder} holds {rows['population']:,} + {rows['customers']:,} rows, "
            f"not {wanted[0]:,} + {wanted[1]:,}. Move it away, so that it is made anew."
        )


def _same_features(bench: Bench) -> tuple[str, bool]:
    """Note on the notebook's features, and whether they equal ours value by value."""
    measured = _attempt("notebook's features", _notebook(bench, "--compare", str(bench.base)))
    if isinstance(measured, str):
        return measured, False
    facts = parse_output(measured.stdout).facts
    if not facts["features_equal"]:
        return "its features are not ours: not compared", False
    return f"{facts['rows']:,} × {facts['features']} features, equal to ours value by value", True


def _notebook(bench: Bench, *options: str) -> list[str]:
    given = [str(bench.delivery.config), "--plan", str(bench.base / "plan.json")]
    return python("benchmarks.peers.notebook", *given, *bench.delivery.settings, *options)


def _other_notebook(bench: Bench, run: Path, option: str) -> Side:
    """Side of another form of the notebook, run once."""
    name = _OTHER_NOTEBOOKS[option]
    measured = _attempt(name, _notebook(bench, *_chosen(run), option))
    if isinstance(measured, str):
        return Side(name, note=measured)
    return Side(name, (_as_repeat(measured, parse_output(measured.stdout)),), note="one run")


def _faster(what: str, mine: Side, its: Side) -> Claim:
    seconds = its.median("seconds") / mine.median("seconds")
    return Claim(f"{what}: wall time of the notebook over ours", seconds, 4, "at least")


def _smaller(mine: Side, its: Side) -> Claim:
    memory = mine.median("peak_mib") / its.median("peak_mib")
    return Claim("whole job: memory of ours over the notebook's", memory, 0.25, "at most")


def _chosen(run: Path) -> tuple[str, str]:
    """Options of the notebook: the number of clusters that ours chose."""
    return ("--n-clusters", str(ours.model(run)["n_clusters"]))


def _peer(name: str, command: Sequence[str], fits: int, repeats: int) -> Side:
    """Side of a peer; its seconds are those of `fits` fits."""
    repeats_made = []
    output = Output()
    for _ in range(repeats):
        measured = _attempt(name, command)
        if isinstance(measured, str):
            return Side(name, note=measured)
        output = parse_output(measured.stdout)
        repeats_made.append(_as_repeat(measured, output, fits))
    note = f"{output.facts['explained']:.1%} of the variance"
    if 0 < len(output.fits) < fits:
        note += f", fitted k = {', '.join(map(str, output.fits))}"
    inertia = {k: fit["inertia"] for k, fit in output.fits.items()}
    return Side(name, tuple(repeats_made), inertia, note)


def _as_repeat(measured: Measured, output: Output, fits: int | None = None) -> Repeat:
    """Repeat of a peer; with `fits`, its seconds of work as if it had made so many fits."""
    if fits is None:
        seconds, cpu_seconds = measured.seconds, measured.cpu_seconds
    else:
        seconds = output.seconds_of(fits)
        cpu_seconds = measured.cpu_seconds * seconds / output.seconds
    return Repeat(
        seconds=seconds,
        cpu_seconds=cpu_seconds,
        peak_mib=measured.peak_mib,
        others_cpu_seconds=measured.others_cpu_seconds,
        detail=output.phases,
    )


def _attempt(name: str, command: Sequence[str]) -> Measured | str:
    """Measure a command; a text says why if it fails."""
    try:
        return _timed(name, lambda: succeed(measure(command, cwd=_ROOT)))
    except Failed as failure:
        _say(f"  {name}: {failure}")
        return f"failed: {failure}"


def _timed(name: str, run: Callable[[], Measured]) -> Measured:
    measured = run()
    _say(
        f"  {name}: {measured.seconds:.1f} s, CPU {measured.cpu_seconds:.1f} s, "
        f"{measured.peak_mib:,.0f} MiB; others took {measured.others_cpu_seconds:.0f} s of CPU"
    )
    return measured


def _shape(run: Path) -> str:
    shape = ours.model(run)
    return (
        f"{shape['rows']:,} rows, {shape['n_features']} features, "
        f"{shape['n_components']} components"
    )


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--rows", type=int, default=ours.ROWS, help="of the population; customers in proportion")
    add("--repeats", type=int, default=3, help="of each side; medians are told")
    add("--only", default=",".join(_DEFAULT), metavar="PART,…", help=f"of {', '.join(PARTS)}")
    add("--fits", default="5,10,20", metavar="K,…", help="of dask-ml and Spark in the model part")
    add("--config", type=Path, default=_ROOT / "config/azdias.toml")
    add("--out", type=Path, help="folder of the results")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failure:
        sys.exit(f"bench: {failure}")
