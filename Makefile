# make demo     annotate the sample photo with the base install
# make test     install the extras and run the whole suite
# make lint     style and types
# make weights FERPLUS=ferplus.tar.gz     from raw data to the bundled network and its card

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
WEIGHTS := src/mien/weights
WORK := build/ferplus
UNCOUPLED := --set name=ferplus-uncoupled --set couplings=[] --set 'weights={expression: 1, affect: 0.5}'

.PHONY: demo test lint format weights clean
.DELETE_ON_ERROR:

demo: $(VENV)/base
	@mkdir -p build/demo
	@$(BIN)/mien annotate examples/photos/astronaut.png --out build/demo/annotations.parquet --overlay build/demo/overlay --overwrite

test: $(VENV)/extras
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal $(ARGS)

lint: $(VENV)/extras
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/extras
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# About an hour on two cores. Status 1 of the import: a few rows of the release stand there twice. A run that was cut goes on where it stopped.
weights: $(VENV)/extras
	@test -e $(WORK)/manifest.parquet || test -e "$(FERPLUS)" || { echo "say where the data is: make weights FERPLUS=path/to/ferplus.tar.gz"; exit 2; }
	test -e $(WORK)/manifest.parquet || $(BIN)/mien data import ferplus $(FERPLUS) $(WORK) || test $$? = 1
	$(BIN)/mien train recipes/ferplus.yaml --resume
	$(BIN)/mien train recipes/ferplus.yaml --resume $(UNCOUPLED)
	$(BIN)/mien export runs/ferplus/best $(WEIGHTS)/default.onnx
	$(BIN)/mien export runs/ferplus-uncoupled/best build/uncoupled.onnx
	$(BIN)/mien evaluate $(WEIGHTS)/default.onnx build/uncoupled.onnx --manifest $(WORK) --out $(WEIGHTS)/figures.json
	$(BIN)/python tools/model_card.py

$(VENV)/base: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the base package into $(VENV)"
	@$(PIP) --editable .
	@touch $@

$(VENV)/extras: pyproject.toml constraints.txt $(VENV)/base
	@echo "installing the extras [train,dev] into $(VENV)"
	@$(PIP) --constraint constraints.txt --editable '.[train,dev]'
	@touch $@

clean:
	rm -rf $(VENV) build/demo .pytest_cache .mypy_cache .ruff_cache
