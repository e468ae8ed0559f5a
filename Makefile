PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test test-fast test-nightly test-browser test-slurm test-faults nightly lint format bench wheels lock docs notebooks clean

## demo: install into .venv and run the main job on the embedded data (no download but the packages); ends with a page of what there is
demo: $(VENV)/.installed
	snakemake --cores all results/mvp_1_1/fisher.json
	@logg1m page

# Before a command: how long it took is printed at its end, whatever that is.
TIMED = start=$$(date +%s); \
	trap 'took=$$(($$(date +%s) - start)); echo "make $@: $$((took / 60)) min $$((took % 60)) s"' EXIT;
PARALLEL = OMP_NUM_THREADS=1 pytest -n

## test: the suite with the workflow runs, without what the three below do, in WORKERS processes
WORKERS ?= 2
test: $(VENV)/.installed lint
	@$(TIMED) $(PARALLEL) $(WORKERS) --dist loadfile --no-loadscope-reorder -m "not slurm and not faults and not browser and not nightly"

## test-fast: the default suite (under 5 minutes)
test-fast: $(VENV)/.installed
	@$(TIMED) pytest

## test-slurm: the workflow on SLURMs that the tests start themselves (Debian: slurmctld slurmd slurm-client munge); they wait more than they work
SLURMS ?= 3
test-slurm: $(VENV)/.installed
	@$(TIMED) $(PARALLEL) $(SLURMS) --dist worksteal -m "slurm and not nightly" tests/slurm

## test-faults: rules are killed at work (KILLS times each; with NIGHTLY=1 under more rules), the disk filled, data damaged, the folder moved
KILLS ?= 1
test-faults: $(VENV)/.installed
	@$(TIMED) $(PARALLEL) $(WORKERS) --dist worksteal -m "faults$(if $(NIGHTLY),, and not nightly)" tests/faults --kills $(KILLS)

## test-browser: the page in a real browser (needs Chromium: apt-get install chromium)
test-browser: $(VENV)/.installed
	@$(TIMED) $(PARALLEL) $(WORKERS) --dist worksteal -m browser tests/browser

## nightly: what takes too long for every submission: the whole roadmap on SLURM, every rule is killed 15 times, properties are tried on 500 new examples
nightly: $(VENV)/.installed
	@$(TIMED) pytest -m "slurm and nightly" tests/slurm
	@$(MAKE) test-faults KILLS=15 NIGHTLY=1
	@$(MAKE) test-nightly
	@$(TIMED) $(PARALLEL) $(WORKERS) --dist worksteal --hypothesis-profile nightly -m hypothesis

## test-nightly: the lowest allowed versions, and the core alone, installed into environments of their own; size and power of verdicts; notebooks
test-nightly: $(VENV)/.docs
	pytest -m nightly tests/nightly tests/installing

## lint: everything that reads the code without running it
lint: $(VENV)/.installed
	@$(TIMED) set -e; \
	ruff check .; \
	ruff format --check .; \
	mypy; \
	snakefmt --check Snakefile workflow/Snakefile workflow/rules; \
	snakemake --lint

## format: what lint asks for
format: $(VENV)/.installed
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow/Snakefile workflow/rules

## bench: every benchmark beside its peer, printing ratios
bench: $(VENV)/.installed
	@for b in benchmarks/bench_*.py; do echo "== $$b"; python $$b || exit 1; done

## wheels: pack what a GPU machine with GPU_PYTHON, torch, numpy, scipy, pandas and matplotlib, but no index, needs beside
GPU_PYTHON ?= 3.12
GPU_PLATFORMS := manylinux_2_28_x86_64 manylinux_2_27_x86_64 manylinux_2_17_x86_64 manylinux2014_x86_64
wheels: $(VENV)/.installed
	rm -rf wheels
	pip download -q -c constraints.txt --only-binary=:all: --python-version $(GPU_PYTHON) --implementation cp \
	  $(addprefix --platform ,$(GPU_PLATFORMS)) -d wheels pydantic safetensors pyyaml
	@ls wheels
	@echo "Copy this folder there, then:"
	@echo "  python3 -m pip install --no-index --no-deps --target site wheels/*.whl && PYTHONPATH=site:src python3 benchmarks/train_reference.py"

## lock: two files with hashes, from pyproject.toml and constraints.txt (needs uv: pip install uv)
LOCK = uv pip compile pyproject.toml --config-file envs/lock.toml -c constraints.txt --custom-compile-command "make lock"
lock:
	$(LOCK) --all-extras -o requirements.lock
	$(LOCK) --extra workflow --extra fits --extra slurm -o requirements-run.lock

## docs: regenerate what is generated from the configuration models, and build the site strictly into site/
docs: $(VENV)/.docs
	python -m logg1m.config.document
	python -m logg1m.graph
	NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict
	@echo "Open site/index.html"

## notebooks: execute the tutorials anew, in place
notebooks: $(VENV)/.docs
	jupyter-execute --inplace docs/tutorials/*.ipynb

clean:
	rm -rf results logs .snakemake site

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade -c constraints.txt -e '.[dev,slurm]'
	touch $@

$(VENV)/.docs: $(VENV)/.installed
	$(BIN)/pip install --quiet -c constraints.txt -e '.[docs]'
	touch $@
