# The two commands that a newcomer needs are `make demo` and `make test`. Each goes from a bare machine (Python 3.11 or
# newer, pip; on Debian and Ubuntu also apt, as root or with sudo) to its result, and does only what is still missing.

PYTHON ?= python3
VENV ?= .venv
RUN := $(VENV)/bin/python
# A real napari window needs a display; tests get a virtual one wherever there is X, whatever the desktop.
SCREEN := 1600x1000x24
XVFB := $(shell command -v xvfb-run 2>/dev/null || echo /usr/bin/xvfb-run)
ON_SCREEN = $(if $(filter Linux,$(shell uname -s)),env -u WAYLAND_DISPLAY -u QT_QPA_PLATFORM $(XVFB) -a -s "-screen 0 $(SCREEN)")

# Files that `make fuzz` damages; another seed damages them otherwise.
FUZZ ?= 20000
FUZZ_SEED ?= 1

.DEFAULT_GOAL := help
.PHONY: help demo test fast fuzz lint format environment system clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: environment ## open napari on the sample radiograph and detect its landmarks
	$(VENV)/bin/farnet demo

test: environment ## run the whole test suite, with a real napari window on a virtual display
	@PYTHON='$(RUN)' ON_SCREEN='$(ON_SCREEN)' scripts/run_tests.sh $(TESTS)

fast: environment ## run the tests of the library and the command line, without windows
	$(RUN) -m pytest tests/farnet

fuzz: environment ## read many thousands of damaged files of every kind (FUZZ=20000 FUZZ_SEED=1)
	FARNET_FUZZ=$(FUZZ) FARNET_FUZZ_SEED=$(FUZZ_SEED) $(RUN) -m pytest tests/farnet/fuzz

lint: environment ## check style and types
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy

format: environment ## mend style
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

environment: system ## make .venv with the project and its development tools
	@PYTHON="$(PYTHON)" VENV="$(VENV)" scripts/install_environment.sh

system: ## install the system packages that napari's windows need (Debian and Ubuntu)
	@PYTHON="$(PYTHON)" scripts/install_system_packages.sh

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) build dist demo .mypy_cache .pytest_cache .ruff_cache .hypothesis src/*.egg-info
