"""Grids by name, grids of one's own from a JSON or TOML file, and the candidates of a grid."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eigenface.errors import RequestError

Grid = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Sequence[Any]]]
"""Parameter names and the values to try: all combinations of one mapping, or of each of several."""

Parameters = dict[str, Any]

NAMED: dict[str, Grid] = {
    "seed004": {
        "faces__size": [100],
        "faces__equalise": [False],
        "pca__n_components": [50],
        "pca__power": [1.0],
        "svc__C": [1, 10, 20, 30, 50, 100],
        "svc__kernel": ["rbf", "poly"],
        "svc__gamma": [0.1, 0.05, 0.01, 0.001, 0.002, 0.005],
        "svc__coef0": [0, 1],
        "svc__class_weight": [None],
    },
    "small": {"pca__n_components": [60, 120], "svc__C": [1, 3, 10], "svc__gamma": [0.01, 0.03]},
    "eigenfaces": [
        {
            "faces__equalise": [False, True],
            "pca__n_components": [60, 120, 180],
            "pca__power": [power],
            "svc__C": [1, 3, 10],
            "svc__gamma": gammas,
        }
        for power, gammas in ((0.5, [0.01, 0.03, 0.06]), (1.0, [0.002, 0.004, 0.008]))
    ],
}
"""All for grey, resize, PCA, SVC. `seed004` is the 144 candidates of the course project that took 14.8 minutes, with
its size and whitening; `small` is for a first look; `eigenfaces` compares half and whole whitening, each with the
gammas that suit it."""

_EXAMPLE = '{"svc__C": [1, 10]}'


def get_grid(name: str | Path) -> Grid:
    """A grid by name, or from a file.

    Parameters
    ----------
    name : str or path
        One of `NAMED`, or a file: JSON `{"svc__C": [1, 10]}` or a list of such; TOML `svc__C = [1, 10]`, or
        several tables `[[grid]]`.

    Raises
    ------
    RequestError
        With code `unknown_grid` or `bad_grid`, in one line.
    """
    if str(name) in NAMED:
        return NAMED[str(name)]
    path = Path(name)
    if not path.is_file():
        raise RequestError(
            "unknown_grid",
            f"there is no grid {str(name)!r}, neither by name nor as a file",
            f"Named grids are {', '.join(NAMED)}; a file holds {_EXAMPLE} as JSON or TOML.",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        grid = tomllib.loads(text) if path.suffix.lower() == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError("bad_grid", f"{path}: cannot be read ({error})", "Write it as JSON or TOML.") from None
    if isinstance(grid, dict) and list(grid) == ["grid"]:
        grid = grid["grid"]  # TOML has no list without a name
    return _checked(grid, str(path))


def _checked(grid: Any, where: str) -> Grid:
    parts = grid if isinstance(grid, list) else [grid]
    for part in parts or [None]:
        if not isinstance(part, dict) or not part:
            raise RequestError("bad_grid", f"{where}: not a grid", f"It maps names to lists of values: {_EXAMPLE}.")
        for name, values in part.items():
            if not isinstance(values, list) or not values:
                got = "an empty list" if values == [] else f"{values!r:.40}"
                raise RequestError(
                    "bad_grid", f"{where}: {name} has {got}", f'Give values in a list: "{name}": [1, 10].'
                )
    checked: Grid = grid
    return checked


def candidates_of(pipeline: Any, grid: Grid) -> list[Parameters]:
    """Every combination of a grid, checked against a pipeline.

    Parameters
    ----------
    pipeline : Pipeline
    grid : mapping of parameter name to values, or a sequence of such

    Raises
    ------
    RequestError
        With code `bad_grid`, or `unknown_parameter` with the names that are allowed.
    """
    from sklearn.base import clone
    from sklearn.model_selection import ParameterGrid

    try:
        candidates = list(ParameterGrid(grid))
    except (TypeError, ValueError) as error:
        raise RequestError(
            "bad_grid", f"not a grid ({error})", f"It maps names to lists of values: {_EXAMPLE}."
        ) from None
    known = set(pipeline.get_params())
    for parameters in candidates:
        if known.issuperset(parameters):
            continue
        try:  # a name may be one that another value of the grid brings, such as a new last step's
            clone(pipeline).set_params(**parameters)
        except (AttributeError, ValueError):
            allowed = set(clone(pipeline).get_params())
            name = next(name for name in parameters if name not in allowed)
            raise RequestError(
                "unknown_parameter",
                f"the grid names {name!r}, which the pipeline lacks",
                _allowed(name, pipeline, allowed),
            ) from None
    return candidates


def differing(candidates: Sequence[Mapping[str, Any]]) -> list[str]:
    """Names of the parameters that are not the same for all candidates."""
    values: dict[str, set[str]] = {name: set() for candidate in candidates for name in candidate}
    for candidate in candidates:
        for name, seen in values.items():
            seen.add(repr(candidate.get(name)))
    return [name for name, seen in values.items() if len(seen) > 1]


def _allowed(name: str, pipeline: Any, allowed: set[str]) -> str:
    """The names nearest to a wrong one: of its step, or the steps there are."""
    steps = [step for step, _ in pipeline.steps]
    step = name.split("__")[0]
    if step not in steps:
        return f"A name is STEP__PARAMETER; the steps are {', '.join(steps)}."
    names = sorted(each for each in allowed if each.startswith(f"{step}__"))
    close = difflib.get_close_matches(name.lower(), [each.lower() for each in names], 1)
    meant = [each for each in names if each.lower() in close]
    guess = f"Did you mean {meant[0]}? " if meant else ""
    return f"{guess}{step} has {', '.join(each.removeprefix(f'{step}__') for each in names) or 'none'}."
