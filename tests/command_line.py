"""One call of the command line, for tests: what it left behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eigenface.cli import main


class Run:
    """Status, output and talk of one call."""

    def __init__(self, capfd: pytest.CaptureFixture[str], *arguments: object) -> None:
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in arguments])
        self.status = left.value.code
        self.out, self.err = capfd.readouterr()

    @property
    def json(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]
