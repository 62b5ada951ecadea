"""Labelled pictures: loading, cropping, splitting, duplicates, and drawn faces. Its names are loaded on first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from eigenface.datasets.dataset import Dataset, Sample
    from eigenface.datasets.loading import load_dataset

__all__ = ["Dataset", "Sample", "load_dataset"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'eigenface.datasets' has no attribute {name!r}")
    return getattr(import_module(f"eigenface.datasets.{'loading' if name == 'load_dataset' else 'dataset'}"), name)
