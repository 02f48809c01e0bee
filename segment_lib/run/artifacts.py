"""Table of all files of a run: the path, the stage that writes it, and its content.

Nobody else writes a path of a run out. The tables of docs/files.md are made from these.
"""

from segment_lib.run.artifact_kinds import Artifact, FolderArtifact, PartedArtifact


def _columns(names: str) -> tuple[str, ...]:
    return tuple(names.split())


DRAFTED = Artifact(
    "types", "types/feature_summary.csv", "Drafted where none is given ([draft](draft.md))."
)
DRAFTED_CONFIG = Artifact("types", "types/my.toml", "The config that goes with it.")
RAW = PartedArtifact(
    "ingest",
    "raw",
    "The rows as delivered, typed, with their number `row` from 0, then the columns carried along "
    "as text and the attributes. Of rows that repeat an id the first, so numbers may have gaps "
    "([data](data.md)). The footer's key `tally` holds the part's counts as JSON.",
    ("row", "…"),
)

ATTRIBUTES = Artifact(
    "assess",
    "assess/attributes.parquet",
    "One row per attribute. `n_levels` is 0 for none, or more than are counted; `missing` and "
    "`missing_share` count empty cells and missing codes of the population, `missing_before` empty "
    "cells alone; `unseen_levels` and `unseen_rows` codes that are neither a level nor a missing "
    "code; `customers_…` the same of the customers.",
    _columns(
        "attribute information_level type n_levels missing missing_share kept reason "
        "missing_before unseen_levels unseen_rows customers_missing customers_missing_share "
        "customers_missing_before customers_unseen_levels customers_unseen_rows"
    ),
)
ROWS = Artifact(
    "assess",
    "assess/rows.parquet",
    "How many rows lack how many of the kept attributes.",
    _columns("extract n_missing rows"),
)
PLAN = Artifact(
    "assess",
    "plan.json",
    "Attribute → rule, features, fill ([its rules](plan.md)). Edit it and run again: encode and "
    "what follows run anew.",
    _columns("about attributes"),
)
PROPOSED_PLAN = Artifact(
    "assess",
    "plan.proposed.json",
    "By `segments refresh`: the plan with rules for what the base has never seen, for `--plan`.",
    _columns("about attributes"),
)

FEATURES = PartedArtifact(
    "encode",
    "features",
    "`row` and the features, complete: no nulls. Rows set aside are not in it.",
    ("row", "…"),
)

PROJECTION = Artifact(
    "fit",
    "model/projection.npz",
    "What fit leaves for sweep.",
    _columns("mean variance scale components explained_variance_ratio"),
)

MODEL = Artifact(
    "sweep",
    "model/model.json",
    "What the model is; `features` in order.",
    _columns("format_version features n_features n_components n_clusters inertia rows"),
)
ARRAYS = Artifact(
    "sweep",
    "model/arrays.npz",
    "The arrays of `projection.npz` and the centres, in component space; `segment_ids`, their "
    "numbers, where a refresh gave others than 0, 1, 2 … No pickle.",
    _columns("mean variance scale components explained_variance_ratio cluster_centers"),
)
SWEEP = Artifact(
    "sweep",
    "model/sweep.csv",
    "A row per number of segments; the choice looked at `smallest_share` and the columns from "
    "`found_again` on.",
    _columns(
        "n_clusters inertia calinski_harabasz davies_bouldin silhouette stability smallest_share "
        "n_iter chosen simplified_silhouette converged restarts_agree found_again gain gain_error "
        "stable large"
    ),
)
STABILITY = Artifact(
    "sweep",
    "model/stability.csv",
    "Per number of segments and segment.",
    _columns("n_clusters segment population_rows stability least dissolved reclusterings"),
)
RECLUSTERED = Artifact(
    "sweep",
    "model/reclusterings.npz",
    "The centres of 8 clusterings of half of the sample each with the chosen number, for the index "
    "of people clustered anew.",
    _columns("cluster_centers"),
)
SENSITIVITY = Artifact(
    "sweep",
    "model/sensitivity.csv",
    "Per clustering anew, what it would have said: the number of segments by the same rule, their "
    "agreement with the segments (adjusted Rand index), the share of people whose verdict differs, "
    "and the share of customers reached at 20 %.",
    _columns("clustering n_clusters agreement verdict_differs gain"),
)

ASSIGNED = PartedArtifact(
    "assign",
    "segments",
    "The segment of each row (-1: set aside) and the distance to its centre (null if set aside). "
    "The footer's key `placed` holds rows and distances by segment.",
    _columns("row segment distance"),
)

COUNTS = PartedArtifact(
    "compare",
    "compare/counts",
    "What the comparison counts of a part; the footer's key `overlap` holds rows by segment and "
    "segment of each clustering anew.",
    _columns("segment attribute level rows"),
)
LEVELS = Artifact(
    "compare",
    "compare/levels.json",
    "How attributes are profiled: level by level, or in bins by their upper edges.",
)
SEGMENTS = Artifact(
    "compare",
    "compare/segments.csv",
    "The comparison, a row per segment. `index` is that of its people clustered anew, with limits "
    "for it alone; `low` and `high` are those for all segments at once, from which the verdict is "
    "read; `drawn_index` is that of the segment as drawn.",
    _columns(
        "segment population_rows population_share customer_rows customer_share index index_low "
        "index_high verdict low high drawn_index drawn_low drawn_high stability found_again small"
    ),
)
TESTS = Artifact(
    "compare",
    "compare/tests.json",
    "Chi-square test and Cramér's V, with and without the rows set aside: `statistic, dof, p, "
    "cramers_v, least_expected, rows`; `suspicious`: sentences, none unless allowed.",
    _columns("all_segments without_set_aside suspicious"),
)
PROFILE = Artifact(
    "compare",
    "compare/profile.parquet",
    "Per segment, attribute and level.",
    _columns(
        "segment attribute level label meaning direction population_rows segment_share "
        "population_share index effect"
    ),
)
TRAITS = Artifact(
    "compare",
    "compare/traits.csv",
    "Per segment and attribute, strongest first.",
    _columns(
        "segment attribute family side levels words direction population_rows segment_share "
        "population_share index effect plain"
    ),
)
NAMES = Artifact(
    "compare",
    "compare/names.csv",
    "The name of each segment and the attributes it is made from.",
    _columns("segment name attributes"),
)
GROUPS = Artifact(
    "compare",
    "compare/groups.csv",
    "Groups of segments that are alike, with the numbers of their segments; figures as in "
    "`segments.csv`. A group has the number of its first segment.",
    _columns(
        "group segments name population_rows population_share customer_rows customer_share index "
        "index_low index_high verdict low high drawn_index drawn_low drawn_high small"
    ),
)
GROUP_TRAITS = Artifact(
    "compare",
    "compare/group_traits.csv",
    "As `traits.csv`, of groups: `segment` is the number of a group.",
    _columns(
        "segment attribute family side levels words direction population_rows segment_share "
        "population_share index effect plain"
    ),
)
COMPONENTS = Artifact(
    "compare",
    "compare/components.csv",
    "What people with a high score have more of.",
    _columns("component explained_variance_ratio reading"),
)
LOADINGS = Artifact(
    "compare",
    "compare/loadings.csv",
    "The five strongest loadings at each end of a component.",
    _columns("component feature loading attribute toward"),
)
FAIRNESS = Artifact(
    "compare",
    "compare/fairness.csv",
    "Sensitive attributes by segment.",
    _columns(
        "segment attribute level label meaning population_rows population_share customer_rows "
        "customer_share population_at_large customers_at_large"
    ),
)
DESCRIBE = Artifact(
    "compare",
    "compare/describe.csv",
    "A row per segment for a spreadsheet, best index first.",
    _columns(
        "segment name population_rows population_share customer_rows customer_share index low high "
        "verdict small stability traits"
    ),
)

MICRO = Artifact(
    "gains",
    "gains/micro.csv",
    "Micro-segments, the most customer-like first. `segment` is that of most of its people, "
    "`segment_share` the share of them; `index` as counted, `micro_index` smoothed; `depth` the "
    "share of the population up to and with it.",
    _columns(
        "rank micro_segment segment segment_share population_rows customer_rows index micro_index "
        "micro_index_low micro_index_high depth"
    ),
)
MICRO_MODEL = Artifact(
    "gains",
    "gains/micro.npz",
    "`weights` of the components; `centers`, `contrasts` and `cuts` of the clusters, in weighted "
    "scores. Micro-segment = cluster × slices + slice.",
    _columns("weights centers contrasts cuts"),
)
MICRO_PARTS = PartedArtifact(
    "gains",
    "gains",
    "The micro-segment of each row (-1: set aside) and its customer-likeness (null if set aside, "
    "or if there is none). The footer's keys `counts`, `listed` and `unseen` hold rows by segment "
    "and micro-segment, by bin of likeness, and by that of the fit that has not seen them; with a "
    "response, `asked` and `asked_micro` those asked.",
    _columns("row micro_segment likeness"),
)
RANKING = Artifact(
    "gains",
    "gains/ranking.npz",
    "Customer-likeness, a logistic regression by two fits, each to half of the rows: `weights` of "
    "the features as encoded, `intercepts`, and the ridge `penalties` chosen; `lines`, `knots` and "
    "`bends` of the curves by which scores become likeness. The mean of the two ranks. Absent "
    "where there are too few customers.",
    _columns("weights intercepts penalties lines knots bends n_knots"),
)
LIKENESS = Artifact(
    "gains",
    "gains/likeness.csv",
    "Cells of people of like likeness, best first; -1 are the rows set aside. `likeness_from` is "
    "the least of the cell, `likeness` the mean; `index` as counted by the fit that has not seen "
    "the rows, `micro_index` smoothed; the other columns as in `micro.csv`. 100 is the average of "
    "those not set aside.",
    _columns(
        "rank cell likeness_from likeness segment segment_share population_rows customer_rows "
        "index micro_index micro_index_low micro_index_high depth"
    ),
)
CALIBRATION = Artifact(
    "gains",
    "gains/calibration.csv",
    "By tenths of the population, most customer-like first: the index `predicted` by likeness, "
    "and the measured `index` with its limits, on `rows` of the population and `cases`, the "
    "customers or those who responded, that the fit has not seen.",
    _columns("tenth predicted index low high rows cases"),
)
WEIGHTS = Artifact(
    "gains",
    "gains/weights.csv",
    "What likeness goes by, strongest first: `label` is the end of the feature that customers "
    "have more of, `odds_ratio` how many times commoner they are at one standard deviation "
    "towards it, all other features alike; `weight` the coefficient of the feature as encoded.",
    _columns("attribute feature label odds_ratio weight"),
)
GAINS = Artifact(
    "gains",
    "gains/gains.csv",
    "`by` segment, micro_segment or logistic (customer-likeness); `customers_reached` is the share "
    "of the held-out customers, "
    "`low` and `high` Wilson's interval.",
    _columns("by depth population_rows customers_reached low high lift"),
)
DEPTHS = Artifact(
    "gains",
    "gains/depths.csv",
    "Each percent of the population and, with `[mailing]`, the depth that pays, by the ranking of "
    "the list: `customers_reached` is the share of the held-out customers, `low` and `high` "
    "Wilson's interval; `average_pieces` how many pieces to people taken at random would bring as "
    "many orders. `orders` to `profit_high` are empty without `[mailing]`.",
    _columns(
        "depth pieces customers_reached low high average_pieces orders orders_low orders_high cost "
        "profit profit_low profit_high"
    ),
)
DEPTH = Artifact(
    "gains",
    "gains/depth.json",
    "With `[mailing]`: how deep it pays to mail, and what was assumed. `orders_low` to "
    "`profit_high` allow for the customers reached and for chance in the orders; null where no "
    "customer is held out.",
    _columns(
        "cost_per_piece margin_per_order base_response_rate break_even_index recommended_depth "
        "depth_low depth_high pieces customers_reached customers_reached_low "
        "customers_reached_high expected_orders orders_low orders_high expected_margin "
        "expected_cost expected_profit profit_low profit_high assumption"
    ),
)
RESPONSE = Artifact(
    "gains",
    "gains/response.csv",
    "With `inputs.response`: `rows` of known response, and how many responded.",
    _columns("extract segment rows responses response_rate low high lift lift_low lift_high"),
)

DRIFT = Artifact(
    "drift",
    "refresh/drift.parquet",
    "By `segments refresh`, of the population, then of the customers, the most drifted attribute "
    "first.",
    _columns(
        "attribute psi missing_share_base missing_share_new unseen_levels vanished_levels band "
        "psi_by_chance missing_change drifted customers_psi customers_band customers_drifted"
    ),
)
SHARES = Artifact(
    "drift",
    "refresh/shares.parquet",
    "The population by the model of the base.",
    _columns("segment rows_base share_base rows_new share_new ratio drifted"),
)
PLACED = PartedArtifact(
    "drift",
    "refresh/placed",
    "As `segments/`, by the model of the base; the same files where it is applied.",
    _columns("row segment distance"),
)
SEGMENT_CHANGES = Artifact(
    "refresh",
    "refresh/segments.csv",
    "`state` is kept, new or vanished; `overlap` Jaccard's coefficient, after a refit.",
    _columns(
        "segment name state overlap share_base share_new ratio drifted index_base low_base "
        "high_base index_new low_new high_new change_low index_change change_high"
    ),
)
SUMMARY = Artifact(
    "refresh",
    "refresh/summary.json",
    "What was decided, and why; rows, rows set aside and distances before and after; `work`: "
    "parts, those made, their share.",
    _columns(
        "base decision reason findings changes rows_base set_aside_base distance_base "
        "distance_p95_base rows_new set_aside_new distance_new distance_p95_new new_segments "
        "vanished_segments work"
    ),
)

PAGE = Artifact(
    "report",
    "report/index.html",
    "The page: one file that asks for nothing outside it, see below.",
)
PDF = Artifact(
    "report",
    "report/report.pdf",
    "What stands open on the page, as PDF to print and send on.",
)
FIGURES = FolderArtifact(
    "report",
    "report/figures",
    "Its figures as SVG and PNG.",
)

TEXT_COLUMNS = frozenset(
    _columns(
        "attribute attributes by direction extract family feature label level levels meaning name "
        "reading segments side state toward traits verdict words"
    )
)
"""Columns of CSV tables that hold words or codes; all others hold numbers."""

ARTIFACTS = tuple(value for value in globals().values() if isinstance(value, Artifact))
"""All of them, in the order in which stages leave them."""
FOLDERS = tuple(dict.fromkeys(artifact.folder for artifact in ARTIFACTS if artifact.folder))
"""The folders of a run folder in which they lie."""

MODEL_STAGES = tuple(
    stage
    for stage in dict.fromkeys(artifact.stage for artifact in ARTIFACTS)
    if stage not in (DRAFTED.stage, DRIFT.stage, SUMMARY.stage, PAGE.stage)
)
"""The stages of a full run before its page, in their order: those that a base has."""

DELIVERED = PartedArtifact(
    "ingest", "delivered", "Raw parts from which people who come again are not yet left out."
)
"""Never published."""
MODEL_FILES = (MODEL, ARRAYS, RECLUSTERED, SENSITIVITY, SWEEP, STABILITY)
"""What a sweep leaves, and a refresh that fits nothing takes over."""
