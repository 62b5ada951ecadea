"""Look before you train, look after: `python -m eigenface.pipelines.report DATA --out DIR [--model MODEL]`.

Without a model: sizes of the pictures, classes, samples, grey and colour maps, eigenfaces of these faces. With one:
also how it does on them. Writes report.html, report.json, report.txt and the figures.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from eigenface.datasets import load_dataset
from eigenface.datasets.cropping import crop_dataset
from eigenface.errors import EigenfaceError
from eigenface.evaluate import evaluate
from eigenface.reporting import write_data_report, write_evaluation_report
from eigenface.store import load_model
from eigenface.tasks import task_for


def main(argv: Sequence[str] | None = None) -> int:
    """Write the report; prints the page's path."""
    parser = argparse.ArgumentParser(prog="python -m eigenface.pipelines.report", description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="folder for the report")
    parser.add_argument("--model", help="a shipped task or a saved model, judged on the data")
    parser.add_argument("--trust", action="store_true", help="read a .joblib model, which runs the code in it")
    parser.add_argument("--task", default="own", help="whose framing the crops get where no model is given")
    parser.add_argument("--whole", action="store_true", help="the pictures are face crops already")
    options = parser.parse_args(argv)
    try:
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


if __name__ == "__main__":
    sys.exit(main())
