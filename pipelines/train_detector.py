"""Train the face detector: `python -m eigenface.pipelines.train_detector DATA --out DIR`.

DATA is a folder with the sets that pipelines/detector_sources.py names. A twin is trained first that never saw the
pictures which the benchmark keeps aside; what its scores mean, and from which one a face is answered, is learned on
those. Then the detector learns from all. Every round is kept in DIR/work, so a run that is stopped goes on. Writes
DIR/detector.npz (with its card inside) and DIR/twin.npz, by which the figures are.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenface.boosting.cascade import with_least
from eigenface.boosting.faces import ShakenFaces
from eigenface.boosting.mining import mine
from eigenface.boosting.recipe import BARE, RECIPES, Recipe
from eigenface.boosting.trees import grow_forest
from eigenface.bundle import atomic_file
from eigenface.cli.talk import Bar, note
from eigenface.datasets.splits import split_by_name
from eigenface.detection.boosted import BoostedDetector, load_detector, save_detector
from eigenface.detection.forest import Forest
from eigenface.errors import EigenfaceError
from eigenface.pipelines.detector_evidence import card_of, learn_evidence
from eigenface.pipelines.detector_sources import Material, read_material
from eigenface.progress import Progress

_FIRST, _MINED = 20_000, 30_000  # windows without a face: from anywhere, and of one round
_KEPT = 60_000
_EACH = 30  # of one picture
_ASIDE = 0.1  # of the faces, where all pictures are learned from: by those a cascade is cut


def main(argv: Sequence[str] | None = None) -> int:
    """Train the twin, then the detector."""
    options = parser().parse_args(argv)
    try:
        with Bar() as bar:
            run(options, bar)
    except EigenfaceError as error:
        note(str(error))
        return 2
    return 0


def parser() -> argparse.ArgumentParser:
    """The script's options."""
    made = argparse.ArgumentParser(prog="train_detector", description="Train the face detector.")
    made.add_argument("data", type=Path, help="folder of the sets")
    made.add_argument("--out", type=Path, required=True, help="folder for the detector")
    made.add_argument(
        "--part",
        choices=("twin", "full", "both"),
        default="both",
        help="the twin that figures are of, the detector that learns from all (needs the twin), or both",
    )
    return made


def run(options: argparse.Namespace, progress: Progress) -> None:
    """What `--part` asks for."""
    work: Path = options.out / "work"
    work.mkdir(parents=True, exist_ok=True)
    if options.part in ("twin", "both"):
        material = read_material(options.data, full=False)
        forests = train(material, work, "twin", progress, full=False)
        detector = learn_evidence(forests, material, options.data, work / "twin-verifier.npz")
        detector.card = card_of(detector, options.data)
        save_detector(detector, options.out / "twin.npz")
        note(f"{options.out / 'twin.npz'}: {detector.evidence}")
    if options.part in ("full", "both"):
        forests = train(read_material(options.data, full=True), work, "full", progress, full=True)
        twin = load_detector(options.out / "twin.npz")
        detector = BoostedDetector(forests, twin.verifier, twin.evidence, card=twin.card)
        save_detector(detector, options.out / "detector.npz")
        note(f"{options.out / 'detector.npz'}: {(options.out / 'detector.npz').stat().st_size / 1e3:.0f} kB")


def train(material: Material, work: Path, name: str, progress: Progress, *, full: bool) -> dict[str, Forest]:
    """All forests, each after those whose windows it judges."""
    forests: dict[str, Forest] = {}
    for part, recipe in RECIPES.items():
        forests[part] = _Part(material, recipe, work / f"{name}-{part}", forests, progress, full=full).learned()
    return forests


class _Part:
    """One forest, round by round."""

    def __init__(
        self,
        material: Material,
        recipe: Recipe,
        path: Path,
        forests: dict[str, Forest],
        progress: Progress,
        *,
        full: bool,
    ) -> None:
        self._recipe, self._path, self._progress = recipe, path, progress
        self._material = material
        self._before = [forests[name] for name in recipe.after]
        bank = material.bank
        aside = np.array(material.held)
        if full:
            aside = np.zeros(len(bank), bool)
            aside[split_by_name(bank.keys, _ASIDE)[1]] = True
        wanted = np.array([kind in recipe.copies for kind in bank.kinds])
        self._learned, self._aside = np.flatnonzero(wanted & ~aside), np.flatnonzero(wanted & aside)

    def learned(self) -> Forest:
        """The forest of the last round, from as many rounds as there are on disk already."""
        recipe = self._recipe
        done = [number for number in range(len(recipe.rounds)) if self._file(number).exists()]
        aside = np.ascontiguousarray(self._windows(self._aside, 2).T)
        if len(done) == len(recipe.rounds):
            return with_least(self._read(done[-1]), aside, least=recipe.least, loss=recipe.loss)
        faces = self._windows(self._learned, 1)
        others = self._read_others() if done else self._mined(None, _FIRST, 0)
        forest = self._read(done[-1]) if done else None
        for number in range(len(done), len(recipe.rounds)):
            if forest is not None:
                new = self._mined(forest, _MINED, number)
                rest = np.random.default_rng(number).permutation(len(others))[: max(0, _KEPT - len(new))]
                others = np.concatenate([new, others[np.sort(rest)]])
            trees = recipe.rounds[number]
            codes = np.ascontiguousarray(np.concatenate([faces, others]).T)
            known = np.arange(codes.shape[1]) < len(faces)

            def told(tree: int, trees: int = trees, number: int = number) -> None:
                self._progress(tree, trees, f"{self._path.name}, round {number + 1}: trees")

            forest = grow_forest(codes, known, trees, recipe.growth, side=recipe.side, random_state=number, told=told)
            forest = with_least(forest, aside, least=recipe.least, loss=recipe.loss)
            np.save(self._path.with_suffix(".npy"), others)
            self._write(number, forest)
        assert forest is not None
        self._path.with_suffix(".npy").unlink(missing_ok=True)
        return forest

    def _windows(self, chosen: NDArray[np.intp], random_state: int) -> NDArray[np.uint8]:
        kinds = [self._material.bank.kinds[face] for face in chosen]
        copies = ShakenFaces(
            self._material.bank,
            self._material.textures,
            self._recipe.shaking,
            side=self._recipe.side,
            random_state=random_state,
        )
        times = [self._recipe.copies[kind] for kind in kinds]
        note(f"{self._path.name}: {sum(times)} copies of {len(chosen)} faces: {dict(Counter(kinds))}")
        return copies.windows([int(face) for face in chosen], times, [kind in BARE for kind in kinds])

    def _mined(self, forest: Forest | None, most: int, number: int) -> NDArray[np.uint8]:
        def told(found: int) -> None:
            self._progress(min(found, most), most, f"{self._path.name}: windows without a face")

        return mine(
            self._material.scenes,
            [] if forest is None else [*self._before, forest],
            side=self._recipe.side,
            each=_EACH,
            most=most,
            random_state=number,
            told=told,
        )

    def _file(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}.npz")

    def _read(self, number: int) -> Forest:
        with np.load(self._file(number)) as file:
            return Forest(self._recipe.side, *(file[name] for name in ("features", "limits", "leaves", "least")))

    def _read_others(self) -> NDArray[np.uint8]:
        try:
            others: NDArray[np.uint8] = np.load(self._path.with_suffix(".npy"))
            return others
        except (OSError, ValueError, zipfile.BadZipFile):
            return self._mined(None, _FIRST, 0)

    def _write(self, number: int, forest: Forest) -> None:
        with atomic_file(self._file(number)) as handle:
            np.savez(handle, features=forest.features, limits=forest.limits, leaves=forest.leaves, least=forest.least)


if __name__ == "__main__":
    sys.exit(main())
