# make demo    show what dockerfix does to a Flask project's Dockerfile
# make test    format, lint, types, tests: what CI runs
# make bench   verify the projects in tests/bench in all scenarios, and write docs/benchmark.md: an hour and more;
#              BENCH holds its options, as tests/bench/bench.py tells them
# make accept  write golden/*/*/out/ anew from what dockerfix does now; read the change before committing it
# All of them set up .venv first, from the versions pinned in requirements-dev.txt.

PYTHON ?= python3
BIN := .venv/bin
DEMO := golden/manifests-first/flask/in

.PHONY: demo test lint bench accept venv clean

demo: venv
	@$(BIN)/dockerfix --diff $(DEMO) || test $$? -eq 1

test: lint
	$(BIN)/pytest -n auto

lint: venv
	$(BIN)/ruff format --check rewrite tests
	$(BIN)/ruff check rewrite tests
	$(BIN)/mypy

bench: venv
	$(BIN)/python tests/bench/bench.py --output docs/benchmark.md $(BENCH)

accept: venv
	$(BIN)/pytest tests/test_golden.py --accept

venv: .venv/.installed

.venv/.installed: requirements-dev.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
