"""Rows of length 1 in random directions, as an embedding gives them."""

from __future__ import annotations

import numpy as np

from eigenface.types import Rows


def unit_rows(n: int, d: int = 64, seed: int = 0) -> Rows:
    """Rows (n, d) of length 1."""
    rows = np.random.default_rng(seed).normal(size=(n, d))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
