"""Searching parameters by cross-validation: resumable, with progress, and with stock scikit-learn's scores."""

from eigenface.search.cross_validation import SearchResult, search

__all__ = ["SearchResult", "search"]
