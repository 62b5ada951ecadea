"""scikit-learn estimators over `eigenface.features`; each has its folding rule in `eigenface.fold`."""
