# The two commands a newcomer needs are `make demo` and `make test`; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash

UV_VERSION := 0.13.9
CACHE := $(or $(PIXEL_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/pixel-streaming-oke)
# uv from PATH if there is one, else this version in a virtual environment of its own in the cache.
UV := $(or $(shell command -v uv),$(CACHE)/uv/$(UV_VERSION)/bin/uv)
RUN := $(UV) run --locked
# Half of the tests' time is waiting; the local cluster and the browser, of which there is one, keep one of them busy.
WORKERS := 2
SOURCES := __main__.py components signalling streamer capacity local pixel tests

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 16

.PHONY: demo
demo: | $(UV) ## Bring the whole service up on this machine (Linux, root); Ctrl-C removes it again
	@$(RUN) python -m local demo $(ARGS)

.PHONY: demo-down
demo-down: | $(UV) ## Remove everything that `make demo` made; the caches stay
	@$(RUN) python -m local down $(ARGS)

.PHONY: preview
preview: | $(UV) ## Preview stacks without a cloud account: make preview STACK="a b" (all stacks unless named)
	@$(RUN) python -m local preview $(STACK) $(ARGS)

.PHONY: test
test: | $(UV) ## Run every test; installs what they need (Linux, root)
	@$(RUN) python -m local prepare
	@$(RUN) pytest --numprocesses=$(WORKERS) --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: | $(UV) ## Check style, types and who imports whom
	@$(RUN) ruff check $(SOURCES)
	@$(RUN) ruff format --check $(SOURCES)
	@$(RUN) mypy
	@$(RUN) lint-imports

.PHONY: docs
docs: | $(UV) ## Build the site of docs/ into build/docs
	@NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --strict --quiet
	@echo "build/docs/index.html"

.PHONY: docs-reference
docs-reference: | $(UV) ## Write docs/configuration.md anew, from the definitions of the keys
	@$(RUN) python -m local.documentation reference

.PHONY: docs-pictures
docs-pictures: | $(UV) ## Take the pictures of docs/pictures from a local stack (Linux, root)
	@$(RUN) python -m local.documentation pictures

.PHONY: charts
charts: | $(UV) ## Fetch the stacks' charts (needs helm), render them with our values and check what comes out
	@$(RUN) python -m local charts
	@$(RUN) pytest tests/cluster/test_rendered_charts.py $(ARGS)

.PHONY: format
format: | $(UV) ## Rewrite the sources in the project's format
	@$(RUN) ruff check --fix $(SOURCES)
	@$(RUN) ruff format $(SOURCES)

.PHONY: bench
bench: | $(UV) ## Measure: make bench NAME=preview (or demo, simulation, …)
	@$(RUN) python -m tests.bench.$(NAME) $(ARGS)

$(CACHE)/uv/$(UV_VERSION)/bin/uv:
	@echo "Installing uv $(UV_VERSION) into $(CACHE)/uv"
	@python3 -m venv $(CACHE)/uv/$(UV_VERSION)
	@$(CACHE)/uv/$(UV_VERSION)/bin/pip install --quiet uv==$(UV_VERSION)
