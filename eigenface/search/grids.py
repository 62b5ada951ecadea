"""Grids by name, and grids of one's own from a JSON or TOML file."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from eigenface.errors import RequestError

Grid = dict[str, list[Any]]

NAMED: dict[str, Grid] = {
    "seed004": {
        "faces__size": [100],
        "pca__n_components": [50],
        "svc__C": [1, 10, 20, 30, 50, 100],
        "svc__kernel": ["rbf", "poly"],
        "svc__gamma": [0.1, 0.05, 0.01, 0.001, 0.002, 0.005],
        "svc__coef0": [0, 1],
    },
    "small": {"svc__C": [1, 3, 10], "svc__gamma": [0.002, 0.005, 0.01]},
    "eigenfaces": {
        "faces__equalise": [False, True],
        "pca__n_components": [50, 100, 150, 200],
        "svc__C": [1, 3, 10],
        "svc__gamma": [0.002, 0.004, 0.008],
    },
}
"""`seed004` is the 144 candidates of the course project that took 14.8 minutes; `small` is for a first look."""


def get_grid(name: str | Path) -> Grid | list[Grid]:
    """A grid by name, or from a file: `{"svc__C": [1, 10]}`, or a JSON list of such.

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
            f"Named grids are {', '.join(NAMED)}; a file holds {{\"svc__C\": [1, 10]}} as JSON or TOML.",
        )
    try:
        text = path.read_text(encoding="utf-8")
        grid = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise RequestError("bad_grid", f"{path}: cannot be read ({error})", "Write it as JSON or TOML.") from None
    for part in grid if isinstance(grid, list) and grid else [grid]:
        if not isinstance(part, dict) or not part:
            raise RequestError("bad_grid", f"{path}: not a grid", 'It maps names to lists: {"svc__C": [1, 10]}.')
        for key, values in part.items():
            if not isinstance(values, list) or not values:
                raise RequestError("bad_grid", f"{path}: {key} has no list of values", f'Write "{key}": [1, 10].')
    checked: Grid | list[Grid] = grid
    return checked
