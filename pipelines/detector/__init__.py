"""How a detector is learned and judged: what it learns from, what its scores mean, and whom it is compared with."""
