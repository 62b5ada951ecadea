"""What `train_models` builds: the faces that shipped models learn from, and models that need more than a recipe."""
