"""Validation of estimator input, with scikit-learn's ValueErrors in its wording."""

from collections.abc import Mapping
from numbers import Integral
from typing import Any

import dask.array as da
import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import validate_data

from segment_lib.errors import ParameterError, RowsError

_FLOATS = (np.float64, np.float32)


def check_rows(
    estimator: Any, X: Any, *, reset: bool = False, min_rows: int = 1
) -> np.ndarray | da.Array:
    """Return rows as a float array of shape (n_rows, n_features), lazy if they are Dask's.

    The values of lazy rows are not looked at here: their blocks are checked as they are computed.

    Parameters
    ----------
    reset : note the number and names of the features, in place of comparing them with those noted
    """
    if hasattr(X, "to_dask_array"):
        X = X.to_dask_array(lengths=True)
    if not isinstance(X, da.Array):
        return np.asarray(
            validate_data(estimator, X, reset=reset, dtype=_FLOATS, ensure_min_samples=min_rows)
        )
    if X.ndim != 2:
        raise RowsError(f"Expected 2D array, got {X.ndim}D array instead. Reshape your data.")
    if np.isnan(X.shape).any():
        raise RowsError("The array does not know its rows. Call compute_chunk_sizes() on it.")
    if X.dtype.kind not in "fiub":
        raise RowsError(f"Rows of numbers are needed, not of {X.dtype}. Convert them.")
    if min(X.shape) < 1:
        raise RowsError(f"Found array with shape={X.shape}. Rows and features are required.")
    validate_data(estimator, X, reset=reset, skip_check_array=True)
    if 0 in X.chunks[0]:
        X = da.concatenate([X.blocks[i] for i, n in enumerate(X.chunks[0]) if n])
    if X.numblocks[1] > 1:
        X = X.rechunk({1: -1})
    return X if X.dtype in _FLOATS else X.astype(np.float64)


def refuse_unsupported(estimator: Any, fit_params: Mapping[str, Any]) -> None:
    """Raise a TypeError for unsupported arguments of `fit`, above all `sample_weight`."""
    if given := sorted(name for name, value in fit_params.items() if value is not None):
        raise TypeError(
            f"{type(estimator).__name__}.fit does not support {', '.join(given)}: every row counts "
            "once. Repeat rows that are to count more often."
        )


def as_seed(random_state: Any) -> int:
    """Return the seed itself, or one drawn from a RandomState or, for None, from NumPy's."""
    if isinstance(random_state, Integral):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise a ParameterError unless the parameter has one of the values."""
    if not (isinstance(value, str) and value in choices):
        raise ParameterError(f"{name} = {value!r} is none of {', '.join(choices)}.")


def check_at_least(name: str, value: Any, least: float, kind: Any = Integral) -> None:
    """Raise a ParameterError unless the parameter is a number of the kind, not below `least`."""
    if isinstance(value, bool) or not isinstance(value, kind) or not value >= least:
        kind_name = "a whole number" if kind is Integral else "a number"
        raise ParameterError(f"{name} = {value!r} is not {kind_name} of at least {least}.")
