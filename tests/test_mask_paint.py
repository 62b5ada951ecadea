"""Masks of other cloth: what changes, and what must not."""

from __future__ import annotations

import numpy as np
import pytest

from eigenface.datasets.mask_paint import cloth, dye_mask, paint_mask


def test_a_dyed_mask_keeps_its_folds_and_the_eyes_above_it() -> None:
    face = np.full((100, 90, 3), (200, 160, 140), np.uint8)
    face[60:] = 230
    face[75:78] = 90  # a fold
    for seed in range(20):
        dyed = dye_mask(face, np.random.default_rng(seed))
        assert dyed.shape == face.shape
        assert (dyed[:30] == face[:30]).all()
        assert np.abs(dyed[62:95, 30:60].astype(int) - face[62:95, 30:60]).mean() > 5
        assert dyed[76, 30:60].mean() < dyed[66:72, 30:60].mean()


def test_a_painted_mask_covers_mouth_and_chin_alone() -> None:
    rng = np.random.default_rng(3)
    skin = np.clip(rng.normal((190, 150, 130), 4, (120, 110, 3)), 0, 255).astype(np.uint8)
    masked = [paint_mask(skin, np.random.default_rng(seed)) for seed in range(30)]
    changed = np.mean([(one != skin).any(axis=2) for one in masked], axis=0)
    assert changed[:36].max() == 0
    assert changed[75:110, 30:80].min() > 0.9


def test_cloth_comes_in_many_kinds_and_the_same_from_the_same_seed() -> None:
    made = [cloth(32, np.random.default_rng(seed)) for seed in range(40)]
    colours = [len(np.unique(one.reshape(-1, 3), axis=0)) for one in made]
    assert {1, 2} <= set(colours)
    assert max(colours) > 10
    assert all(one.min() >= 0 and one.max() <= 1 for one in made)
    assert (cloth(32, np.random.default_rng(7)) == made[7]).all()


def test_pictures_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        dye_mask(np.zeros((10, 10, 3)), np.random.default_rng(0))  # type: ignore[arg-type]
