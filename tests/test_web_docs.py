"""What docs/rest.md and docs/deploy.md say is what the server does."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from werkzeug.serving import make_server

from eigenface import limits
from eigenface.datasets.drawn import draw_photo
from eigenface.model import FaceClassifier
from eigenface.webapp.app import create_app
from eigenface.webapp.problems import STATUS_OF
from eigenface.webapp.service import FaceService

DOCS = Path(__file__).parent.parent / "docs"
REST, DEPLOY = ((DOCS / name).read_text(encoding="utf-8") for name in ("rest.md", "deploy.md"))


@pytest.fixture
def address(model: FaceClassifier) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, create_app(FaceService([model])), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_every_route_and_option_is_described(model: FaceClassifier) -> None:
    document = create_app(FaceService([model])).test_client().get("/openapi.json").get_json()
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            assert f"{method.upper()} {path}" in REST
            for parameter in described.get("parameters", []):
                assert f"| `{parameter['name']}` |" in REST


def test_every_refusal_stands_beside_its_status() -> None:
    rows = {int(status): row for status, row in re.findall(r"^\| (\d{3}) \| (.*)$", REST, re.MULTILINE)}
    for code, status in STATUS_OF.items():
        assert f"`{code}`" in rows[status]


def test_the_limits_are_the_servers() -> None:
    rows = dict(re.findall(r"^\| ([^|]+?) \| ([^|]+?) \|", DEPLOY.split("## Limits")[1], re.MULTILINE))
    assert rows["bytes of a request"] == f"{limits.MAX_REQUEST_BYTES / 1e6:.0f} MB"
    assert rows["bytes of a picture"] == f"{limits.MAX_PICTURE_BYTES / 1e6:.0f} MB"
    assert rows["pictures in a request"] == str(limits.MAX_REQUEST_PICTURES)
    assert rows["pixels of a picture"].startswith(f"{limits.MAX_PIXELS / 1e6:.0f} million")
    assert rows["faces answered in a picture"].startswith(f"{limits.MAX_FACES},")


def test_the_python_example_asks_and_tells_why_not(address: str, tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", REST, re.DOTALL)[-1], names)
    Image.fromarray(draw_photo(2, (300, 420))[0]).save(tmp_path / "photo.jpg")
    assert len(names["ask"](tmp_path / "photo.jpg", "looks", address)["faces"]) == 2
    with pytest.raises(ValueError, match="height"):
        names["ask"](tmp_path / "photo.jpg", "height", address)
