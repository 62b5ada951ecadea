"""To which side a face is turned, where nobody noted it: as a forest says that learned from faces of which it is known.

A forest for faces turned to the right and its mirror image both look at the face; where one says much more than the
other, that is the side. Faces found so teach the next forest, as examples whose pose is latent do.

References: Felzenszwalb, Girshick, McAllester and Ramanan, Object detection with discriminatively trained part-based
models, PAMI 2010, doi:10.1109/TPAMI.2009.167.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eigenface.boosting.faces import FaceBank, ShakenFaces, Shaking
from eigenface.boosting.recipe import ROLES, Telling
from eigenface.boosting.trees import running_sums
from eigenface.detection.forest import UNIT, Forest

_LOOKS = 9  # copies of a face, of which the best counts: windows of a grid meet no face exactly
_SHAKING = Shaking(shift=0.05, scale=0.1, mirror=False)


@dataclass(frozen=True)
class Teller:
    """Forests that tell sides, and how sure they must be.

    Parameters
    ----------
    turned : Forest
        For faces turned to the right.
    frontal : Forest
    telling : Telling
    """

    turned: Forest
    frontal: Forest
    telling: Telling

    def told(self, bank: FaceBank, aside: NDArray[np.bool_]) -> FaceBank:
        """The bank's faces, and once more, turned to the right, those whose side is told.

        Parameters
        ----------
        bank : FaceBank
        aside : bool array (n,)
            Faces that the frontal forest did not learn from; of the others, only those that it finds hard count as
            turned.
        """
        chosen = np.array([face for face, kind in enumerate(bank.kinds) if kind in ROLES], int)
        copies = ShakenFaces(bank, [], _SHAKING, side=self.turned.side, random_state=0)
        codes = copies.windows(chosen.tolist(), [_LOOKS] * len(chosen), [False] * len(chosen)).T.copy()
        right, left, frontal = (
            self._best(codes, forest) for forest in (self.turned, self.turned.mirrored(), self.frontal)
        )
        all_faces = FaceBank(list(bank.crops), list(bank.inside), list(bank.kinds), list(bank.keys))
        for at, face in enumerate(chosen.tolist()):
            role, noted = ROLES[bank.kinds[face]]
            best, between = max(right[at], left[at]), abs(right[at] - left[at])
            hard = noted or aside[face] or frontal[at] < self.telling.frontal
            least = self.telling.noted if noted else self.telling.least
            if hard and between >= self.telling.between and best > least:
                all_faces.repeat(face, role, mirrored=bool(left[at] > right[at]))
        return all_faces

    def _best(self, codes: NDArray[np.uint8], forest: Forest) -> NDArray[np.float64]:
        best: NDArray[np.float64] = running_sums(codes, forest)[-1].reshape(-1, _LOOKS).max(axis=1) / UNIT
        return best
