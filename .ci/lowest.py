"""Prints pip constraints with the lowest version of every requirement of a setup.cfg: `python lowest.py setup.cfg`."""

from __future__ import annotations

import configparser
import re
import sys

config = configparser.ConfigParser()
config.read(sys.argv[1])
for line in config["options"]["install_requires"].split("\n"):
    found = re.match(r"\s*([A-Za-z0-9_.-]+)\s*>=\s*([0-9.]+)", line)
    if found:
        version = found[2] if found[2].count(".") > 1 else f"{found[2]}.*"
        print(f"{found[1]}=={version}")
