# The two commands a newcomer needs are `make demo` and `make test`; CONTRIBUTING.md has the rest.
PYTHON ?= python3
HOME_DIR ?= advocate-home
BIN := .venv/bin
UV := $(BIN)/uv
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate

# Without compiled modules every command would compile all it imports anew: seconds instead of one.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install demo test check serve format lock docs clean

install: .venv/installed

.venv/installed: requirements/dev.txt requirements/uv.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "advocate needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements/dev.txt
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

demo: install
	$(BIN)/advocate --home $(HOME_DIR) demo

# In the order of the files: the longest, end to end, are among the first.
test: install
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

serve: install
	$(BIN)/advocate --home $(HOME_DIR) serve

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install
	$(BIN)/python -m features.contract_docs > docs/reference/data-contract.md
	$(BIN)/python -m advocate.serving.reference > docs/reference/http.md
	$(BIN)/python -m typer advocate.cli utils docs --name advocate --title "Command line" \
		--output docs/reference/cli.md > /dev/null

lock:
	$(LOCK) requirements/uv.in -o requirements/uv.txt
	$(LOCK) pyproject.toml --all-extras -o requirements/dev.txt
	$(LOCK) pyproject.toml -c requirements/dev.txt -o requirements/core.txt
	for extra in client serve oidc airflow demo; do \
		$(LOCK) pyproject.toml --extra $$extra -c requirements/dev.txt -o requirements/$$extra.txt; done

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
