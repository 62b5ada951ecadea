"""Labelled pictures: loading, cropping, splitting, duplicates, and drawn faces."""

from eigenface.datasets.dataset import Dataset, Sample
from eigenface.datasets.loading import load_dataset

__all__ = ["Dataset", "Sample", "load_dataset"]
