"""`make bench`: what an answer costs, against stock scikit-learn and a stock cascade in the same run.

Ratios compare; absolute figures are of this machine, on this day. Faces are drawn, so that nothing has to be there.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from PIL import Image

from eigenface.datasets.drawn import draw_photo, make_faces
from eigenface.detection import get_detector
from eigenface.store import load_model
from eigenface.vision import CASCADES, cv2


def milliseconds(action: Callable[[], object], repeats: int = 9) -> float:
    """Median of several runs, after one that is not counted."""
    action()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def process(*command: str) -> float:
    """Milliseconds of a whole process."""
    return milliseconds(lambda: subprocess.run(command, check=True, capture_output=True), 5)


def rows() -> list[tuple[str, float, float | None, str]]:
    """What is measured, milliseconds, milliseconds of the peer, and who that is."""
    cv2.setNumThreads(1)
    crops = make_faces(n_per_class=100, size=(80, 120)).crops
    found = []
    for name in ("gender:eigenfaces", "gender"):
        model = load_model(name)
        stock = model.pipeline_
        for count in (1, 200):
            some = crops[:count]
            ours = milliseconds(lambda m=model, s=some: m.predict_proba(s))
            theirs = milliseconds(lambda m=stock, s=some: m.predict_proba(s))
            found.append((f"{name}, {count} face{'s' * (count > 1)}", ours, theirs, "scikit-learn's pipeline"))
    photo, _ = draw_photo(2, (480, 640), random_state=5)
    cascade = cv2.CascadeClassifier(str(CASCADES / "haarcascade_frontalface_default.xml"))
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    stock_scan = milliseconds(lambda: cascade.detectMultiScale(grey, 1.1, 5, minSize=(30, 30)))
    found.append(
        ("faces in 640x480", milliseconds(lambda: get_detector().detect(photo)), stock_scan, "stock cascade (1.1, 5)")
    )
    large = np.asarray(Image.fromarray(photo).resize((4000, 3000)))
    large_grey = cv2.cvtColor(large, cv2.COLOR_RGB2GRAY)
    stock_large = milliseconds(lambda: cascade.detectMultiScale(large_grey, 1.1, 5, minSize=(30, 30)), 1)
    found.append(
        (
            "faces in 4000x3000",
            milliseconds(lambda: get_detector().detect(large)),
            stock_large,
            "stock cascade (1.1, 5)",
        )
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.png")
        Image.fromarray(photo).save(path)
        bare = process(sys.executable, "-c", "pass")
        found.append(
            (
                "import eigenface, beyond a bare interpreter",
                process(sys.executable, "-c", "import eigenface") - bare,
                None,
                "",
            )
        )
        script = str(Path(sys.executable).with_name("eigenface"))
        found.append(("a whole `eigenface predict` process", process(script, "predict", str(path)), None, ""))
    return found


def main() -> None:
    """Print the table."""
    print("| what | ms | against | ratio |\n|---|---|---|---|")
    for what, ours, theirs, peer in rows():
        ratio = f"{theirs / ours:.1f}x" if theirs else ""
        against = f"{peer}, {theirs:.1f} ms" if theirs else ""
        print(f"| {what} | {ours:.1f} | {against} | {ratio} |", flush=True)


if __name__ == "__main__":
    main()
