"""How each forest of the shipped detector is learned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from eigenface.boosting.faces import Shaking
from eigenface.boosting.trees import Growth

FRONTAL = ("masked", "bare", "badly", "caltech", "cmu", "frontal", "lfw", "drawn mask")
TIGHT = ("tight", "tight mask")
"""Kinds that fill their picture: a window that sees more would learn the border."""

OBJECT = "object"
"""What somebody's own boxes show."""

TURNED = ("profile", "turned45")
UNSURE = ("profile ?", "turned45 ?", "tilted")
"""Turned, but nobody noted to which side."""

ROLES: Mapping[str, tuple[str, bool]] = {
    "profile ?": ("profile", True),
    "turned45 ?": ("turned45", True),
    "masked": ("turned mask", False),
    "badly": ("turned mask", False),
    "bare": ("turned bare", False),
    "tilted": ("turned bare", False),
}
"""What a face of a kind is among turned ones once its side is told, and whether somebody noted that it is turned."""

BARE = frozenset({"lfw", "tight", "caltech", "bare", "frontal"})
"""Kinds that a mask may be drawn on."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How sure forests must be of the side to which a face is turned, in log odds.

    Parameters
    ----------
    by : str
        The forest that tells.
    between : float
        Least difference between both sides.
    least, noted : float
        Least of the better side: of any face, and of one that somebody noted to be turned.
    frontal : float
        A face that it learned from must have less of the frontal forest.
    """

    by: str
    between: float = 3.0
    least: float = -4.0
    noted: float = -6.0
    frontal: float = 5.0


@dataclass(frozen=True)
class Recipe:
    """What a forest learns from.

    Parameters
    ----------
    side : int
        Cells of its window's side.
    rounds : tuple of int
        Trees of one round after the other; after each, windows that it takes for faces are mined.
    copies : mapping
        Copies of a face, by its kind; other kinds are not learned from.
    growth : Growth
    shaking : Shaking
    least, loss : float
        Log odds that a window has in the end, and share of faces that a tree may lose.
    after : tuple of str
        Forests whose windows it judges.
    telling : Telling, optional
        It also learns from faces whose side is told so.
    """

    side: int
    rounds: tuple[int, ...]
    copies: Mapping[str, int]
    growth: Growth = field(default_factory=Growth)
    shaking: Shaking = field(default_factory=Shaking)
    least: float = 0.5
    loss: float = 0.004
    after: tuple[str, ...] = ()
    telling: Telling | None = None


_SCENES = {"masked": 5, "bare": 6, "badly": 14, "caltech": 3, "cmu": 6, "frontal": 6, "lfw": 2, "drawn mask": 3}
_TIGHT = {**_SCENES, "tight": 1, "tight mask": 2}

_NOTED = Recipe(
    side=20,
    rounds=(200, 600, 1500),
    copies={"profile": 16, "turned45": 24},
    growth=Growth(depth=2),
    shaking=Shaking(mirror=False),
    loss=0.006,
    after=("gate",),
)
_TOLD = replace(
    _NOTED,
    copies={**_NOTED.copies, "turned mask": 12, "turned bare": 12},
    shaking=Shaking(shift=0.04, scale=0.08, turn=8, mirror=False),
)

RECIPES: Mapping[str, Recipe] = {
    "gate": Recipe(
        side=16,
        rounds=(48, 96, 128),
        copies={**dict.fromkeys(_TIGHT, 2), "lfw": 1, "tight": 1, **dict.fromkeys((*TURNED, *UNSURE), 6)},
        growth=Growth(share=0.12, rows=20_000),
        shaking=Shaking(masks=0.15),
        least=-0.25,
        loss=0.002,
    ),
    "tight": Recipe(
        side=16,
        rounds=(200, 600, 2000),
        copies=_TIGHT,
        shaking=Shaking(masks=0.15),
        loss=0.008,
        after=("gate",),
    ),
    "wide": Recipe(
        side=20,
        rounds=(200, 600, 2000),
        copies={kind: copies + 2 for kind, copies in _SCENES.items()},
        shaking=Shaking(masks=0.3),
        least=0.0,
        loss=0.008,
        after=("gate",),
    ),
    "noted": _NOTED,
    "told": replace(_TOLD, telling=Telling("noted")),
    "turned": replace(_TOLD, telling=Telling("told", least=-1.0, frontal=6.0)),
}
"""In the order in which they are learned; the last three are one forest, each with more faces than the one before."""


def own_recipes(objects: int) -> dict[str, Recipe]:
    """Forests for objects of somebody's own, of which there are so many: as for frontal faces, but not mirrored."""
    copies = {OBJECT: max(2, min(30, 8_000 // objects))}
    plain = Shaking(mirror=False)
    return {name: replace(RECIPES[name], copies=copies, shaking=plain) for name in ("gate", "tight", "wide")}
