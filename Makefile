PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test test-fast lint format bench docs clean

## demo: install into .venv and run the main job on the embedded data (no download but the packages)
demo: $(VENV)/.installed
	snakemake --cores 8 results/mvp_1_1/fisher.json
	@echo "Done. Look at results/mvp_1_1/fisher.json and the figures beside it."

## test: the whole suite, the workflow runs included (under 20 minutes on 2 cores)
test: $(VENV)/.installed lint
	pytest -m "not slurm"

## test-fast: the default suite (under 5 minutes)
test-fast: $(VENV)/.installed
	pytest

## lint: everything that reads the code without running it
lint: $(VENV)/.installed
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow/rules
	snakemake --lint

## format: what lint asks for
format: $(VENV)/.installed
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow/rules

## bench: every benchmark beside its peer, printing ratios
bench: $(VENV)/.installed
	@for b in benchmarks/bench_*.py; do echo "== $$b"; python $$b || exit 1; done

## docs: regenerate what is generated from the configuration models
docs: $(VENV)/.installed
	python -m logg1m.config.document
	python -m logg1m.graph

clean:
	rm -rf results logs .snakemake

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade -c constraints.txt -e '.[dev,slurm]'
	touch $@
