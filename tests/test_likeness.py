"""The main face of a photo, and the face in a picture that is most like one."""

from __future__ import annotations

import numpy as np
import pytest

from eigenface.datasets.drawn import draw_photo
from eigenface.embedding import FaceEmbedder
from eigenface.errors import EigenfaceError
from eigenface.image import Picture
from eigenface.likeness import main_portrait, most_like


def test_the_main_face_is_large_and_central(embedder: FaceEmbedder) -> None:
    photo, boxes = draw_photo(3, (300, 600))
    portrait = main_portrait(photo, embedder)
    middle = min(boxes, key=lambda box: abs(box.centre[0] - 300))
    assert portrait.box.iou(middle) > 0.4
    assert portrait.faces == 3
    assert "3 faces" in portrait.warnings[-1]
    assert isinstance(portrait.picture, Picture)
    with pytest.raises(EigenfaceError) as refusal:
        main_portrait(np.full((90, 90, 3), 99, np.uint8), embedder)
    assert refusal.value.code == "no_face"
    row = embedder.embed([portrait.crop])[0]
    likeness = most_like(row, photo, embedder)
    assert likeness
    assert likeness.box == portrait.box
    assert likeness.similarity == pytest.approx(1, abs=1e-4)
    assert most_like(row, np.full((90, 90, 3), 99, np.uint8), embedder) is None
