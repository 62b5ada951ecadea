"""Searching parameters by cross-validation: resumable, with progress, and with stock scikit-learn's scores."""

from eigenface.search.cross_validation import Forecast, SearchResult, search
from eigenface.search.grids import Grid, candidates_of, get_grid
from eigenface.search.results import write_csv

__all__ = ["Forecast", "Grid", "SearchResult", "candidates_of", "get_grid", "search", "write_csv"]
