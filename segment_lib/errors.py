"""What can go wrong in a way the user can correct; each error knows its exit code."""


class JobError(Exception):
    """An expected failure: one line that says what was found, what was expected, what to do."""

    exit_code = 1


class ConfigError(JobError):
    """The command line, the config file or the plan asks for something that cannot be done."""

    exit_code = 2


class DataError(JobError):
    """An input is not what it should be. The message never quotes a cell."""

    exit_code = 3


class ParameterError(ConfigError, ValueError):
    """A parameter of an estimator asks for something that cannot be done."""


class RowsError(DataError, ValueError):
    """Rows that an estimator cannot take."""


class ResourceError(JobError):
    """The memory budget or the disk does not suffice."""

    exit_code = 4


class ClusterError(JobError):
    """The Dask cluster was lost, or is unfit for this job."""

    exit_code = 5


class IntegrityError(JobError):
    """A file of the run is not what the manifest says it is."""

    exit_code = 6

    def __init__(self, message: str, file: str | None = None) -> None:
        super().__init__(message)
        self.file = file
        """Its path in the run folder, if it is a file that the manifest lists."""
