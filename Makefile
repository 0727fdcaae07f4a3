# `make demo` and `make test` are all that a newcomer needs; both install into .venv, once. `make test-all` runs the slow tests too.
PYTHON ?= python3
BIN := .venv/bin
# Files of tests share out the cores; tests of one file stay together, because they share fixtures.
PYTEST := $(BIN)/pytest -n logical --dist loadfile

.PHONY: demo test test-slow test-all lint clean

demo: .venv/.demo-installed
	$(BIN)/pixbench demo

test: .venv/.test-installed
	$(PYTEST) -m "not slow" --durations 20

test-slow: .venv/.test-installed
	$(PYTEST) -m slow --durations 20

test-all: test test-slow

lint: .venv/.test-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.venv/.demo-installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable .
	touch $@

.venv/.test-installed: .venv/.demo-installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	touch $@

clean:
	rm -rf .venv build dist *.egg-info demo
