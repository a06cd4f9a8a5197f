# Two commands: `make run` opens the studio, `make test` passes the tests. Both set up what is missing and nothing twice.

SHELL := /bin/bash
VENV := .venv
PYTHON := $(VENV)/bin/python

.PHONY: help run test check clean

help:
	@echo "make run     set up what is missing and open the studio on the shipped avatar and speech"
	@echo "make test    set up what is missing and run all tests (ARGS='-k name' selects)"
	@echo "make check   lint, format and type checks only"
	@echo "make clean   forget the set-up (.venv) and caches"

run: $(VENV)/.installed-run
	@if [ "$$(uname -s)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY$$QT_QPA_PLATFORM" ]; then \
		echo "The studio is set up, but there is no display here; run make run from a desktop (or emozone export without one)." >&2; \
		exit 1; \
	fi
	@$(PYTHON) main.py

test: $(VENV)/.installed-test
	@if [ "$$(uname -s)" = Linux ]; then \
		xvfb-run -a -s "-screen 0 1920x1200x24 +extension GLX" $(PYTHON) -m pytest $(ARGS); \
	else \
		$(PYTHON) -m pytest $(ARGS); \
	fi

check: $(VENV)/.installed-test
	@$(PYTHON) -m pytest tests/test_quality.py $(ARGS)

# A stamp is as old as the last install from this pyproject.toml; scripts/setup.sh says what it does and stops with one
# sentence when it cannot. What tests need holds all that running needs.
$(VENV)/.installed-%: pyproject.toml scripts/setup.sh
	@scripts/setup.sh $*
	@touch $@ $(if $(filter test,$*),$(VENV)/.installed-run)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
