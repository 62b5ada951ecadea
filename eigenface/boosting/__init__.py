"""Learning a boosted detector: faces in changed copies, windows without one, trees, and what a cascade asks for."""
