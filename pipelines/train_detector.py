"""Train the face detector: `python -m eigenface.pipelines.train_detector DATA --out DIR`.

DATA is a folder with the sets that pipelines/detector/material.py names. All pictures lie in three folds; for each a
twin is trained that never saw it, by which the figures are. What twins find in their own folds teaches what a score
means (pipelines/detector/evidence.py). Then the detector learns from all. Every round is kept in DIR/work: a run that
is stopped goes on. Writes DIR/detector.npz (with its card inside), and DIR/twin0.npz to twin2.npz for
`detection_benchmark --twins DIR`.

With `--own`, DATA shows what you look for: boxes.csv or PASCAL VOC, and pictures without it. Use the file as
`eigenface detect --detector DIR/detector.npz`.
"""

from __future__ import annotations

import argparse
import sys
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from eigenface.boosting.cascade import with_least
from eigenface.boosting.faces import FaceBank, ShakenFaces
from eigenface.boosting.mining import mine
from eigenface.boosting.recipe import BARE, RECIPES, Recipe, own_recipes
from eigenface.boosting.sides import Teller
from eigenface.boosting.trees import grow_forest
from eigenface.bundle import atomic_file
from eigenface.cli.talk import Bar, note
from eigenface.datasets.splits import split_by_name
from eigenface.detection.boosted import FORESTS, BoostedDetector, Evidence, save_detector
from eigenface.detection.forest import Forest
from eigenface.errors import EigenfaceError
from eigenface.pipelines.detector.boxed_sets import FOLDS, fold_of
from eigenface.pipelines.detector.evidence import (
    NOTHING_SAID,
    card_of,
    find,
    learn_evidence,
    learn_verifier,
    verified,
)
from eigenface.pipelines.detector.material import Material, own_material, read_material
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
    except KeyboardInterrupt:
        note("stopped; the same command goes on where it was")
        return 130
    return 0


def parser() -> argparse.ArgumentParser:
    """The script's options."""
    made = argparse.ArgumentParser(
        prog="python -m eigenface.pipelines.train_detector", description="Train the face detector, or one of your own."
    )
    made.add_argument("data", type=Path, help="folder of the sets")
    made.add_argument("--out", type=Path, required=True, help="folder for the detector")
    made.add_argument(
        "--own",
        action="store_true",
        help="DATA is a set, or a folder of sets, of your own: boxes.csv or PASCAL VOC, whatever the boxes show, "
        "and pictures without it (labels.csv in which each is `no_face`)",
    )
    return made


def run(options: argparse.Namespace, progress: Progress) -> None:
    """Twins, what they find, and the detector."""
    work: Path = options.out / "work"
    work.mkdir(parents=True, exist_ok=True)
    material = own_material(options.data) if options.own else read_material(options.data)
    recipes = own_recipes(len(material.bank)) if options.own else RECIPES

    def forests_of(name: str, fold: int | None) -> dict[str, Forest]:
        return train(material, recipes, work, name, progress, fold=fold)

    def keep(detector: BoostedDetector, name: str) -> None:
        detector.card = card_of(detector, options.data)
        save_detector(detector, options.out / name)
        note(f"{options.out / name}: {(options.out / name).stat().st_size / 1e3:.0f} kB, {detector.evidence}")

    faces = not options.own
    twins = [forests_of(f"twin{fold}", fold) for fold in range(FOLDS)]
    findings = [
        find(BoostedDetector(forests, NOTHING_SAID, Evidence(), faces=faces), material, options.data, fold, work)
        for fold, forests in enumerate(twins)
    ]
    verifiers = [learn_verifier([one for one in findings if one is not own]) for own in findings]
    odds = [verified(own, verifier) for own, verifier in zip(findings, verifiers, strict=True)]
    for fold, (forests, verifier) in enumerate(zip(twins, verifiers, strict=True)):
        others = [other for other in range(FOLDS) if other != fold]
        evidence = learn_evidence([findings[other] for other in others], [odds[other] for other in others])
        keep(BoostedDetector(forests, verifier, evidence, faces=faces), f"twin{fold}.npz")
    evidence, verifier = learn_evidence(findings, odds), learn_verifier(findings)
    keep(BoostedDetector(forests_of("full", None), verifier, evidence, faces=faces), "detector.npz")


def train(
    material: Material, recipes: Mapping[str, Recipe], work: Path, name: str, progress: Progress, *, fold: int | None
) -> dict[str, Forest]:
    """All forests, each after those whose windows it judges; those of a twin never saw the pictures of a fold."""
    seen = material.without(fold)
    forests: dict[str, Forest] = {}
    for part, recipe in recipes.items():
        bank = material.bank
        if recipe.telling is not None:
            teller = Teller(forests[recipe.telling.by], forests["wide"], recipe.telling)
            bank = teller.told(bank, _aside(bank.keys, fold))
        before = [forests[name] for name in recipe.after]
        aside = _aside(bank.keys, fold)
        forests[part] = _Part(seen, bank, aside, recipe, work / f"{name}-{part}", before, progress).learned()
    return {part: forest for part, forest in forests.items() if part in FORESTS}


def _aside(keys: Sequence[str], fold: int | None) -> NDArray[np.bool_]:
    """Faces that are not learned from, but by which cascades are cut."""
    if fold is not None:
        return np.array([fold_of(key) == fold for key in keys])
    aside = np.zeros(len(keys), bool)
    aside[split_by_name(keys, _ASIDE)[1]] = True
    return aside


class _Part:
    """One forest, round by round."""

    def __init__(
        self,
        material: Material,
        bank: FaceBank,
        aside: NDArray[np.bool_],
        recipe: Recipe,
        path: Path,
        before: Sequence[Forest],
        progress: Progress,
    ) -> None:
        self._material, self._bank, self._recipe = material, bank, recipe
        self._path, self._before, self._progress = path, before, progress
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
        kinds = [self._bank.kinds[face] for face in chosen]
        copies = ShakenFaces(
            self._bank,
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
