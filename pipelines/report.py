"""What is in a data set, how a model does on it, and what all tasks reach.

`python -m eigenface.pipelines.report DATA --out DIR [--model MODEL]`: without a model the sizes of the pictures,
classes, samples, grey and colour maps, eigenfaces of these faces; with one also how it does on them. Writes
report.html, report.json, report.txt and the figures.

Where DATA is the folder that the shipped models were trained from: the table of what each task reaches, as
benchmark.md and benchmark.json, also printed. Figures that are not in the models' files are made part by part; each is
kept, so that a stopped run goes on. `--part NAME` makes only that one, `--part card` none.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from eigenface.cli.answering import write_file
from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import crop_dataset
from eigenface.errors import EigenfaceError, RequestError
from eigenface.evaluate import evaluate
from eigenface.fitting import versions
from eigenface.journal import Journal
from eigenface.pipelines.figures.cards import cards
from eigenface.pipelines.figures.changes import CHANGED
from eigenface.pipelines.figures.parts import PARTS
from eigenface.pipelines.figures.table import Row, as_json, markdown
from eigenface.pipelines.figures.twins import PLAIN_PARTS, TWINS
from eigenface.pipelines.models.sources import Sources
from eigenface.pipelines.train_models import talk
from eigenface.reporting import write_data_report, write_evaluation_report
from eigenface.store import load_model
from eigenface.tasks import task_for, tasks

ALL_PARTS = {**PARTS, **CHANGED, **TWINS}
CARD = "card"
TITLE = "# What each task reaches\n\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report; prints the page's path, or the table."""
    parser = argparse.ArgumentParser(
        prog="python -m eigenface.pipelines.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    parser.add_argument("--model", help="a shipped task or a saved model, judged on the data")
    parser.add_argument("--trust", action="store_true", help="read a .joblib model, which runs the code in it")
    parser.add_argument("--task", default="own", help="whose framing the crops get where no model is given")
    parser.add_argument("--whole", action="store_true", help="the pictures are face crops already")
    parser.add_argument(
        "--part",
        action="append",
        metavar="NAME",
        help=f"of the table; may be repeated: {', '.join((CARD, *ALL_PARTS))}",
    )
    parser.add_argument("--fresh", action="store_true", help="forget the parts that an earlier run made")
    options = parser.parse_args(argv)
    try:
        if options.part or (not options.model and is_data_folder(options.data)):
            print(write_benchmark(options.data, options.out, options.part, fresh=options.fresh))
            return 0
        if options.model:
            model = load_model(options.model, trust=options.trust)
            page = write_evaluation_report(evaluate(model, options.data, whole=options.whole), options.out)
        else:
            dataset = load_dataset(options.data)
            task = task_for(options.task, dataset.classes)
            page = write_data_report(crop_dataset(dataset, task.crop, whole=options.whole), dataset.name, options.out)
    except EigenfaceError as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    print(page)
    return 0


def is_data_folder(data: Path) -> bool:
    """Whether it holds any of the sets that the shipped models learn from, where these expect it."""
    return any((data / source.path).is_file() for task in tasks().values() for source in task.sources)


def write_benchmark(data: Path, out: Path, asked: Sequence[str] | None = None, *, fresh: bool = False) -> str:
    """Make parts that were not made before, and write the table of all there are; returns its Markdown.

    Parameters
    ----------
    data, out : path
    asked : sequence of str, optional
        Names of parts; without it, all whose data are there.
    fresh : bool
        Forget what an earlier run made.

    Raises
    ------
    RequestError
        Where a part is unknown, its data are missing, or the journal is of other data or versions.
    """
    if strange := sorted({*(asked or ())} - {CARD, *ALL_PARTS}):
        raise RequestError(
            "unknown_part", f"the table has no part {strange[0]!r}", f"It has {', '.join((CARD, *ALL_PARTS))}."
        )
    if not data.is_dir():
        raise RequestError("no_data", f"{data}: is no folder", "Give the folder that holds gender, mask and so on.")
    out.mkdir(parents=True, exist_ok=True)
    with Journal(out / "report.journal", {"data": str(data), "versions": versions()}, fresh=fresh) as journal:
        sources = Sources(data, talk, journal)
        for name in (name for name in asked or ALL_PARTS if name != CARD and name not in journal):
            part = ALL_PARTS[name]
            if absent := [path for path in part.needs if not (data / path).exists()]:
                what = f"{data / absent[0]}: is not there, and part {name} needs it"
                if asked:
                    raise RequestError("no_data", what, "Ask for other parts.")
                print(f"report: {what}", file=sys.stderr)
                continue
            journal.record(name, [asdict(row) for row in part.make(sources)])
            _write(journal, out)
        return _write(journal, out)


def _write(journal: Journal, out: Path) -> str:
    """Write the table of all parts in the journal."""
    made = {name: [Row(**row) for row in journal[name]] for name in ALL_PARTS if name in journal}
    plain = {task: {row.data: row.value for row in made[name]} for name, task in PLAIN_PARTS.items() if name in made}
    rows = cards(plain) + [row for name, some in made.items() if name not in PLAIN_PARTS for row in some]
    order = {task: place for place, task in enumerate(dict.fromkeys(row.task.split(":")[0] for row in rows))}
    rows.sort(key=lambda row: order[row.task.split(":")[0]])
    missing = [name for name in ALL_PARTS if name not in made]
    text = TITLE + markdown(rows, missing)
    write_file(out / "benchmark.md", text.encode())
    write_file(out / "benchmark.json", as_json(rows, missing).encode())
    return text


if __name__ == "__main__":
    sys.exit(main())
