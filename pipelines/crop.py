"""Cut a data set of photos into face crops: `python -m eigenface.pipelines.crop SOURCE --out DIR`.

One crop a photo, its main face, as PNG: what a model learns from the crops is then exactly what it would see of the
photos, which JPEG would change. Beside the crops: labels.csv, so that DIR is a data set itself (`--whole`),
rejected.csv, and duplicates.csv. A run that is stopped, however, goes on when the same command is given again.
"""

from __future__ import annotations

import argparse
import base64
import csv
import io
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from eigenface import __version__
from eigenface.bundle import atomic_file
from eigenface.cli.talk import Bar, note
from eigenface.crops import CropSpec
from eigenface.datasets import Dataset, load_dataset
from eigenface.datasets.crop_work import Cutter, Shot, cut_all
from eigenface.datasets.cropping import NO_FACE
from eigenface.datasets.duplicates import Duplicate, Signature, pair_up
from eigenface.detection import get_detector
from eigenface.errors import EigenfaceError, RequestError
from eigenface.journal import Journal
from eigenface.progress import Progress
from eigenface.workers import Engine

_JOURNAL, _TABLE, _REJECTED, _DUPLICATES = "crop.journal", "labels.csv", "rejected.csv", "duplicates.csv"
_SYNC = 1.0  # seconds of work that a power failure may undo: a disk that syncs slowly must not hold up a cluster
_HEADER = ("file", "label", "group", "source", "x", "y", "width", "height", "score")


def main(argv: Sequence[str] | None = None) -> int:
    """Crop, write the tables, print a summary; 0 also where photos were rejected, 1 where no face was found at all."""
    options = parser().parse_args(argv)
    try:
        with Bar() as bar:
            return run(options, bar)
    except EigenfaceError as error:
        print(f"crop: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("crop: stopped; the same command goes on where it was", file=sys.stderr)
        return 130


def parser() -> argparse.ArgumentParser:
    """The script's options."""
    made = argparse.ArgumentParser(prog="python -m eigenface.pipelines.crop", description=__doc__)
    made.add_argument("source", type=Path, help="folder with one sub-folder a class, or folder or zip with labels.csv")
    made.add_argument("--out", type=Path, required=True, help="folder for crops and tables; made where it is missing")
    made.add_argument("--task", help="frame faces as this task does; without, the detection's own square")
    made.add_argument("--scale", type=float, help="side of the crop over side of the detection, 0.5 to 4 (1)")
    made.add_argument("--shift", type=float, help="how far the crop lies below it, in its sides, -1 to 1 (0)")
    made.add_argument("--whole", action="store_true", help="the pictures are crops already: only gather and check them")
    made.add_argument("--detector", default="default", help="which detector finds the faces")
    made.add_argument("--workers", type=int, default=1, help="processes (1)")
    made.add_argument("--cluster", metavar="ADDRESS", help="crop on a Dask cluster, such as tcp://host:8786")
    made.add_argument("--fresh", action="store_true", help="forget and remove what an earlier run made")
    return made


def run(options: argparse.Namespace, progress: Progress) -> int:
    """What the script does, step by step."""
    began = time.monotonic()
    spec = framing(options)
    if options.workers < 1:
        raise RequestError("bad_workers", f"--workers {options.workers}: too few", "Give 1 or more.")
    get_detector(options.detector)
    source, out = options.source.resolve(), options.out.resolve()
    if out == source or (source.is_dir() and source in out.parents):
        raise RequestError("out_in_source", f"{options.out}: lies in {options.source}", "Give a folder elsewhere.")
    dataset = load_dataset(source)
    for warning in dataset.warnings:
        note(warning)
    try:
        with engine_of(options, source) as engine:
            shots = crop(dataset, spec, options, progress, engine)
        rows = write_tables(dataset, shots, options.out)
    except OSError as error:  # the disk is full, or the folder may not be written
        raise RequestError(
            "cannot_write",
            f"{error.filename or options.out}: cannot be written ({error.strerror})",
            "Free the disk or give another --out; the same command then goes on where it was.",
        ) from None
    print(summary(dataset, shots, rows, options.out, time.monotonic() - began))
    return 0 if any(shot.file for shot in shots) else 1


def framing(options: argparse.Namespace) -> CropSpec:
    """The crop that the options ask for."""
    given = {key: value for key in ("scale", "shift") if (value := getattr(options, key)) is not None}
    if options.whole and (options.task or given):
        raise RequestError(
            "bad_framing", "--whole takes pictures as they are", "Leave out --task, --scale and --shift."
        )
    if options.task and given:
        raise RequestError("bad_framing", "--task and --scale or --shift both say how to frame", "Give one of them.")
    if options.task:
        from eigenface.tasks import get_task

        return get_task(options.task).crop
    try:
        return CropSpec(**given)
    except ValueError as error:
        raise RequestError("bad_framing", str(error)) from None


def engine_of(options: argparse.Namespace, source: Path) -> AbstractContextManager[Engine | None]:
    """The cluster that is asked for, once all its workers see where the pictures lie and the crops go."""
    if not options.cluster:
        return nullcontext()
    from eigenface.cluster import Cluster

    options.out.mkdir(parents=True, exist_ok=True)
    return Cluster(options.cluster, sees=[source, options.out.resolve()])


def crop(
    dataset: Dataset, spec: CropSpec, options: argparse.Namespace, progress: Progress, engine: Engine | None = None
) -> list[Shot]:
    """Cut what the journal does not have yet; what became of every picture, in the data set's order."""
    out, names = options.out.resolve(), crop_names(dataset)
    if options.fresh:
        remove_earlier(out)
    elif (out / _TABLE).exists() and not (out / _JOURNAL).exists():
        raise RequestError("exists", f"{out / _TABLE}: is there already", "Give another --out, or --fresh.")
    folders = {(out / name).parent for name in names}
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    remove_halves(folders)
    job = {
        "data": dataset.fingerprint(),
        "crop": spec.as_dict(),
        "whole": options.whole,
        "detector": options.detector,
        "version": __version__,
    }
    cutter = Cutter(dataset, spec, out, names, whole=options.whole, detector=options.detector)
    with Journal(out / _JOURNAL, job, fresh=options.fresh, sync=_SYNC) as journal:
        left = [i for i, sample in enumerate(dataset.samples) if sample.name not in journal]
        if len(left) < len(dataset):
            note(f"{len(dataset) - len(left)} pictures were done before.")
        began, before = time.monotonic(), len(dataset) - len(left)
        for done, (index, shot) in enumerate(cut_all(cutter, left, workers=options.workers, engine=engine), start=1):
            journal.record(dataset.samples[index].name, packed(shot))
            remaining = (time.monotonic() - began) / done * (len(left) - done)
            progress(before + done, len(dataset), f"cropped, about {_duration(remaining)} left")
        remove_halves(folders)
        return [unpacked(journal[sample.name]) for sample in dataset.samples]


def remove_halves(folders: Iterable[Path]) -> None:
    """Remove what a killed run, or a process that was killed, was writing."""
    for folder in folders:
        for half in folder.glob(".*.png.*"):
            half.unlink()


def crop_names(dataset: Dataset) -> list[str]:
    """A file name below the output folder for every picture: safe on every system, and each its own."""
    return [
        f"{_safe(sample.label)}/{number:06d}_{_safe(Path(sample.name).stem)}.png"
        for number, sample in enumerate(dataset.samples)
    ]


def _safe(text: str) -> str:
    return re.sub(r"[^\w.-]+", "_", text)[:40].strip("._ ") or "_"


def remove_earlier(out: Path) -> None:
    """Remove crops of an earlier run, finished or not, and nothing else."""
    listed: list[str] = []
    if (out / _TABLE).exists():
        with (out / _TABLE).open(encoding="utf-8", newline="") as handle:
            listed += [row.get("file") or "" for row in csv.DictReader(handle) if row.keys() >= set(_HEADER)]
    if (out / _JOURNAL).exists():
        text = (out / _JOURNAL).read_text(encoding="utf-8", errors="replace")
        listed += re.findall(r'"file": "([^"\\]+)"', text)
    for name in listed:
        if re.fullmatch(r"[^/\\]+/\d{6}_[^/\\]*\.png", name) and not name.startswith(".."):
            (out / name).unlink(missing_ok=True)
    for name in (_TABLE, _REJECTED, _DUPLICATES):
        (out / name).unlink(missing_ok=True)


def packed(shot: Shot) -> dict[str, Any]:
    """What became of a picture, as the journal keeps it."""
    mark = shot.signature
    return {
        "file": shot.file,
        "reason": shot.reason,
        "box": shot.box,
        "score": shot.score,
        "signature": mark and [mark.exact, mark.bits, base64.b64encode(mark.small).decode()],
    }


def unpacked(kept: dict[str, Any]) -> Shot:
    """The inverse of `packed`."""
    mark = kept["signature"]
    return Shot(
        kept["file"],
        kept["reason"],
        tuple(kept["box"]),
        kept["score"],
        mark and Signature(mark[0], mark[1], base64.b64decode(mark[2])),
    )


def write_tables(dataset: Dataset, shots: Sequence[Shot], out: Path) -> list[Duplicate]:
    """labels.csv, rejected.csv and duplicates.csv; the job is done then, and its journal goes."""
    columns = list(dataset.columns)
    labels: list[list[Any]] = [[*_HEADER, *(f"data_{name}" if name in _HEADER else name for name in columns)]]
    rejected: list[list[Any]] = [["file", "reason"]]
    for index, (sample, shot) in enumerate(zip(dataset.samples, shots, strict=True)):
        if shot.file:
            more = [dataset.columns[name][index] for name in columns]
            labels.append([shot.file, sample.label, sample.group or "", sample.name, *shot.box, shot.score, *more])
        else:
            rejected.append([sample.name, shot.reason])
    found = pair_up([shot.signature if shot.file else None for shot in shots], dataset.labels)
    pairs: list[list[Any]] = [["first", "second", "exact", "correlation", "first_label", "second_label"]]
    for pair in found:
        one, other = dataset.samples[pair.first], dataset.samples[pair.second]
        exact = "yes" if pair.exact else "no"
        pairs.append([one.name, other.name, exact, pair.correlation, one.label, other.label])
    for name, rows in ((_REJECTED, rejected), (_DUPLICATES, pairs), (_TABLE, labels)):
        with atomic_file(out / name) as handle:
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows(rows)
            handle.write(text.getvalue().encode())
    (out / _JOURNAL).unlink(missing_ok=True)
    return found


def summary(dataset: Dataset, shots: Sequence[Shot], pairs: Sequence[Duplicate], out: Path, seconds: float) -> str:
    """What was done, in a few lines."""
    counts = Counter(sample.label for sample, shot in zip(dataset.samples, shots, strict=True) if shot.file)
    reasons = Counter("no face" if shot.reason == NO_FACE else "unreadable" for shot in shots if not shot.file)
    return "\n".join(_lines(dataset, counts, reasons, pairs, out, seconds))


def _lines(
    dataset: Dataset, counts: Counter[str], reasons: Counter[str], pairs: Sequence[Duplicate], out: Path, seconds: float
) -> Iterator[str]:
    yield f"{counts.total()} crops of {len(dataset)} pictures in {out}, {_duration(seconds)}"
    yield "  " + ", ".join(f"{name} {counts[name]}" for name in dataset.classes[:20])
    if reasons:
        yield f"  rejected: {', '.join(f'{n} {reason}' for reason, n in sorted(reasons.items()))}; see {_REJECTED}"
    if pairs:
        exact, differ = sum(pair.exact for pair in pairs), sum(pair.labels_differ for pair in pairs)
        yield (
            f"  the same picture twice: {exact} exact pairs, {len(pairs) - exact} near ones, "
            f"{differ} with different labels; see {_DUPLICATES}"
        )


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"


if __name__ == "__main__":
    sys.exit(main())
