"""A grid search for pipelines that end in a support vector machine: stock results, a fraction of the time."""
