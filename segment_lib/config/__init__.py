"""The settings of a run: declared in `sections`, read from TOML and ``--set`` by `loading`."""

from segment_lib.config.kinds import parse_size
from segment_lib.config.loading import load_config, make_config
from segment_lib.config.sections import Config, Fairness, Inputs, Mailing, Run
