"""What a run is told: read, checked whole, overridden."""

from pathlib import Path

import pytest

from segment_lib.config import Config, Inputs, Run, load_config, parse_size
from segment_lib.config.sections import SECTIONS, Cleaning, Mailing, Model, Refresh
from segment_lib.errors import ConfigError
from segment_lib.schema.values import keys

INPUTS = '[inputs]\npopulation = "p.csv"\ncustomers = "c.csv"\nfeature_summary = "f.csv"\n'


def write(folder: Path, text: str) -> Path:
    path = folder / "job.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, text: str = "", *overrides: str) -> Config:
    return load_config(write(folder, INPUTS + text), overrides)


def refused(folder: Path, text: str, *overrides: str) -> str:
    with pytest.raises(ConfigError) as error:
        load_config(write(folder, text), overrides)
    assert str(folder / "job.toml") in str(error.value)
    return str(error.value)


def test_every_key_but_the_inputs_has_a_default(tmp_path):
    config = load(tmp_path)
    assert (config.cleaning, config.model, config.run) == (Cleaning(), Model(), Run())


def test_the_defaults_are_those_of_the_design():
    assert (Inputs().separator, Inputs().encoding) == ("", "")
    assert (Cleaning().max_missing_share, Cleaning().max_missing_per_row) == (0.3, 25)
    assert Model() == Model("attribute", "parallel", 10, "auto", (2, 20), 0)
    assert Mailing() == Mailing(None, None, None)
    assert Run() == Run(100_000, "4GiB")


@pytest.mark.parametrize("key", ["population", "customers", "feature_summary"])
def test_relative_paths_are_relative_to_the_config_file(tmp_path, key):
    assert getattr(load(tmp_path).inputs, key) == str(tmp_path / f"{key[0]}.csv")


def test_absolute_paths_stay(tmp_path):
    config = load(tmp_path, "", 'inputs.population="/data/p.csv"')
    assert config.inputs.population == "/data/p.csv"


def test_the_settings_come_back_as_a_dictionary(tmp_path):
    values = load(tmp_path, "[model]\nsweep = [2, 5]\n").as_dict()
    assert (values["model"]["sweep"], values["run"]["rows_per_part"]) == ((2, 5), 100_000)


@pytest.mark.parametrize(
    ("override", "section", "key", "value"),
    [
        ("model.n_clusters=8", "model", "n_clusters", 8),
        ('model.n_clusters="auto"', "model", "n_clusters", "auto"),
        ("model.n_clusters=auto", "model", "n_clusters", "auto"),
        ("model.n_components=30", "model", "n_components", 30),
        ("model.sweep=[2, 5]", "model", "sweep", (2, 5)),
        ("cleaning.max_missing_share = 0.5", "cleaning", "max_missing_share", 0.5),
        ("cleaning.max_missing_per_row=0.2", "cleaning", "max_missing_per_row", 0.2),
        ("run.memory=900MiB", "run", "memory", "900MiB"),
        ("run.rows_per_part=5_000", "run", "rows_per_part", 5000),
        ("inputs.separator=,", "inputs", "separator", ","),
        (r'inputs.separator="\t"', "inputs", "separator", "\t"),
        ("inputs.encoding=latin-1", "inputs", "encoding", "latin-1"),
        ("compare.min_segment_rows=50", "compare", "min_segment_rows", 50),
        ("compare.allow_suspicious=true", "compare", "allow_suspicious", True),
        ('fairness.attributes=["sex"]', "fairness", "attributes", ("sex",)),
        ("fairness.keep_out=true", "fairness", "keep_out", True),
        ("fairness.min_cell=5", "fairness", "min_cell", 5),
        ("inputs.id_column=LNR", "inputs", "id_column", "LNR"),
        ("inputs.response=RESPONSE", "inputs", "response", "RESPONSE"),
        ("model.n_micro=50", "model", "n_micro", 50),
    ],
)
def test_an_override_is_obeyed(tmp_path, override, section, key, value):
    assert getattr(getattr(load(tmp_path, "", override), section), key) == value


def test_an_override_beats_the_file_and_the_last_one_wins(tmp_path):
    config = load(tmp_path, "[model]\nn_clusters = 3\n", "model.n_clusters=4", "model.n_clusters=5")
    assert config.model.n_clusters == 5


def test_an_override_may_set_what_the_file_lacks(tmp_path):
    path = write(tmp_path, "")
    paths = [f"inputs.{name}=x.csv" for name in ("population", "customers", "feature_summary")]
    assert load_config(path, paths).inputs.customers == str(tmp_path / "x.csv")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[model]\nn_cluster = 3\n", "unknown key model.n_cluster (did you mean n_clusters?)"),
        ("[cleaning]\nmax_mising_share = 1\n", "did you mean max_missing_share?"),
        ("[modle]\nn_clusters = 3\n", "unknown section [modle] (did you mean model?)"),
        ("[model]\nzzz = 3\n", "unknown key model.zzz"),
        ("[[model]]\nn_clusters = 3\n", "section [model]"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_valid_one(tmp_path, text, message):
    assert message in refused(tmp_path, INPUTS + text)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.n_cluster=3", "unknown key model.n_cluster (did you mean n_clusters?)"),
        ("n_clusters=3", "expected section.key=value"),
        ("model.n_clusters", "expected section.key=value"),
        ("modle.n_clusters=3", "unknown section [modle] (did you mean model?)"),
        ("model.n_clusters=1", 'model.n_clusters must be "auto" or a whole number of at least 2'),
        ("model.n_clusters=many", "model.n_clusters must be"),
    ],
)
def test_a_faulty_override_is_told_like_a_faulty_file(tmp_path, override, message):
    assert message in refused(tmp_path, INPUTS, override)


@pytest.mark.parametrize(
    "setting",
    [
        "inputs.separator=';;'",
        "inputs.separator=3",
        "compare.min_segment_rows=-1",
        "compare.allow_suspicious=1",
        "fairness.attributes='sex'",
        "fairness.attributes=['']",
        "fairness.keep_out='yes'",
        "fairness.min_cell=2.5",
        "inputs.separator='\"'",
        "inputs.separator='ß'",
        "inputs.encoding='utf-16'",
        "inputs.population=3",
        "inputs.population=''",
        "inputs.id_column=3",
        "cleaning.max_missing_share=1.1",
        "cleaning.max_missing_share=-0.1",
        "cleaning.max_missing_share=true",
        "cleaning.max_missing_share=nan",
        "cleaning.max_missing_share='a lot'",
        "cleaning.max_missing_per_row=1.5",
        "cleaning.max_missing_per_row=-1",
        "cleaning.max_missing_per_row=inf",
        "model.n_components=0",
        "model.n_components=-3",
        "model.n_components=1.5",
        "model.n_components=1.0",
        "model.n_components=true",
        "model.n_components=nan",
        "model.n_components=inf",
        "model.n_clusters=1",
        "model.n_clusters=2.0",
        "model.n_clusters='some'",
        "model.n_clusters=true",
        "model.sweep=[5, 2]",
        "model.sweep=[1, 5]",
        "model.sweep=[2]",
        "model.sweep=[2, 3, 4]",
        "model.sweep=7",
        "model.random_state=-1",
        "model.random_state=4294967296",
        "model.random_state='any'",
        "run.rows_per_part=0",
        "run.rows_per_part=1.5",
        "run.memory='4GB'",
        "run.memory='GiB'",
        "run.memory='-1GiB'",
        "run.memory='infGiB'",
        "run.memory='nanGiB'",
        "run.memory=4",
    ],
)
def test_a_value_that_cannot_be_is_refused_by_its_key(tmp_path, setting):
    key = setting.split("=")[0]
    assert f"{key} must be" in refused(tmp_path, INPUTS, setting)


@pytest.mark.parametrize(
    "setting",
    [
        "cleaning.max_missing_share=0",
        "cleaning.max_missing_share=1",
        "cleaning.max_missing_per_row=0",
        "cleaning.max_missing_per_row=25.0",
        "model.n_components=1",
        "model.n_clusters=2",
        "model.sweep=[2, 2]",
        "model.random_state=4294967295",
        "run.rows_per_part=1",
        "compare.min_segment_rows=0",
        "fairness.attributes=[]",
        "fairness.min_cell=0",
    ],
)
def test_a_value_at_the_edge_is_accepted(tmp_path, setting):
    assert load(tmp_path, "", setting)


def test_all_faults_are_listed_at_once(tmp_path):
    message = refused(
        tmp_path,
        '[inputs]\npopulation = "p.csv"\n[model]\nn_cluster = 3\nsweep = 7\n[rum]\nx = 1\n',
        "run.memory=4",
    )
    faults = ("customers is", "n_cluster (", "sweep must", "[rum]", "memory m")
    assert [fault in message for fault in faults] == [True] * 5


def test_no_key_must_be_set_but_the_paths_and_those_of_mailing():
    needed = [
        f"{name}.{key}"
        for name, section in SECTIONS.items()
        for key, values in keys(section).items()
        if not values.accept(getattr(section(), key))
    ]
    assert needed == [
        "inputs.population",
        "inputs.customers",
        "mailing.cost_per_piece",
        "mailing.margin_per_order",
        "mailing.base_response_rate",
    ]


def test_an_extract_has_a_table_of_its_own(tmp_path):
    text = '[inputs]\nfeature_summary = "f.csv"\npopulation = "p.csv"\nseparator = ";"\n'
    text += '[inputs.customers]\npath = "c.csv"\nseparator = ","\n'
    inputs = load_config(write(tmp_path, text)).inputs
    assert inputs.customers == str(tmp_path / "c.csv")
    assert inputs.text_format("customers").separator == ","
    assert inputs.text_format("population").separator == ";"
    fault = "unknown key inputs.customers.seperator (did you mean separator?)"
    assert fault in refused(tmp_path, text + 'seperator = ","\n')
    assert "inputs.customers.quote must be one character" in refused(tmp_path, text + "quote = 3\n")


@pytest.mark.parametrize("key", ["population", "customers"])
def test_an_input_that_is_not_named_is_told(tmp_path, key):
    lines = [line for line in INPUTS.splitlines() if not line.startswith(key)]
    assert f"inputs.{key} is not set" in refused(tmp_path, "\n".join(lines))


def test_a_config_without_inputs_is_told_what_is_not_set(tmp_path):
    assert "inputs.population is not set" in refused(tmp_path, "")


@pytest.mark.parametrize("text", ["inputs = 3\n", "inputs = []\n", 'inputs = "p.csv"\n'])
def test_a_section_that_is_none_is_told(tmp_path, text):
    assert "section [inputs] must be a table" in refused(tmp_path, text)


def test_what_is_no_toml_is_told_with_its_line(tmp_path):
    assert "line 2" in refused(tmp_path, "[model]\nn_clusters 3\n")


def test_an_absent_config_is_told(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.toml: no such config file"):
        load_config(tmp_path / "absent.toml")


def test_a_config_that_is_not_utf8_is_told(tmp_path):
    path = tmp_path / "job.toml"
    path.write_bytes(b"# gr\xf6sse\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_config(path)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1KiB", 1024),
        ("900MiB", 900 * 2**20),
        ("4GiB", 4 * 2**30),
        ("1.5 GiB", 3 * 2**29),
        (" 4GiB ", 4 * 2**30),
        ("4GB", None),
        ("4", None),
        ("", None),
        (4, None),
        (None, None),
    ],
)
def test_a_size_has_a_binary_unit(text, size):
    assert parse_size(text) == size


def test_the_budget_is_in_bytes(tmp_path):
    assert load(tmp_path, "", "run.memory=900MiB").memory == 900 * 2**20


def test_mailing_is_told_whole_or_not_at_all(tmp_path):
    whole = "[mailing]\ncost_per_piece = 1\nmargin_per_order = 30.5\nbase_response_rate = 0.02\n"
    assert load(tmp_path, whole).mailing == Mailing(1, 30.5, 0.02)
    alone = load(tmp_path, '[mailing]\nranking = "micro"\n').mailing
    assert (alone.ranking, alone.cost_per_piece) == ("micro", None)
    message = refused(tmp_path, INPUTS + "[mailing]\ncost_per_piece = 1\n")
    assert "mailing.margin_per_order is not set" in message
    assert "mailing.base_response_rate is not set" in message


@pytest.mark.parametrize(
    "override",
    [
        "model.n_micro=1",
        "mailing.cost_per_piece=0",
        "mailing.margin_per_order=-1",
        "mailing.base_response_rate=1.5",
    ],
)
def test_what_cannot_be_a_mailing_is_refused(tmp_path, override):
    assert override.partition("=")[0] in refused(tmp_path, INPUTS, override)


def test_a_refresh_has_a_policy_and_renamed_columns(tmp_path):
    assert load(tmp_path).refresh == Refresh("auto", {})
    read = load(tmp_path, '[refresh]\npolicy = "refit"\n[refresh.renamed]\nOLD = "NEW"\n').refresh
    assert read == Refresh("refit", {"OLD": "NEW"})
    for fault in ('policy = "maybe"', "renamed = 3", "renamed = {OLD = 3}"):
        assert "must be" in refused(tmp_path, INPUTS + f"[refresh]\n{fault}\n")
