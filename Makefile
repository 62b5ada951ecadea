# One .venv serves every target; it is made again when setup.cfg or csrc changes.
PORT ?= 8000
PYTHON ?= python3
DATA ?= data
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test models tune bench lint clean

serve: $(VENV)/made
	$(BIN)/eigenface serve --port $(PORT)

test: $(VENV)/made
	$(BIN)/python -m pytest -n 2 --dist loadfile

models: $(VENV)/made
	$(BIN)/python -m eigenface.pipelines.train_models $(DATA)

tune: $(VENV)/made
	$(BIN)/python -m eigenface.pipelines.train_models $(DATA) --search

bench: $(VENV)/made
	$(BIN)/python benchmarks/run.py --plots build/bench

lint: $(VENV)/made
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(BIN)/mypy -p eigenface

$(VENV)/made: setup.cfg setup.py pyproject.toml $(wildcard csrc/*.[ch] csrc/*/*.h)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "eigenface needs Python 3.11 or later, this is " + sys.version.split()[0] + "; name one: make serve PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
