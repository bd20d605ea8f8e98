# `make run` and `make test` are all that a newcomer needs; each sets up what it needs by itself.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
SAM := .venv-sam/bin/sam
FUNCTIONS := $(sort $(notdir $(wildcard functions/*)))
export PYTHONPATH := layers/topup
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

.PHONY: help run demo test check format lint types template build events lock clean

help: ## Show what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: .venv/.installed ## Start the whole product on this machine
	@$(BIN)/python -m local

demo: .venv/.installed ## Buy credits from the terminal, step by step
	@$(BIN)/python -m local.demo

test: .venv/.installed ## Run the tests (one kind: make test T=tests/unit)
	@$(BIN)/python -m pytest -n 2 --dist loadscope $(T)

check: format lint types template test ## All that CI checks

format: .venv/.installed ## Is the code formatted? (ruff format . mends it)
	@$(BIN)/ruff format --check .

lint: .venv/.installed ## Style, mistakes, import boundaries
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache

types: .venv/.installed ## mypy --strict
	@$(BIN)/mypy

template: .venv-sam/.installed ## Is the SAM template valid?
	@$(SAM) validate --lint

build: .venv-sam/.installed ## Build what `sam deploy` deploys (LAMBDA_ARCH=x86_64 for the other processor)
	@PATH="$(CURDIR)/.venv-sam/bin:$$PATH" $(SAM) build

events: .venv/.installed ## Write events/ again
	@$(BIN)/python -m tools.make_events

lock: .venv/.installed ## Resolve the versions of pyproject.toml again
	@$(BIN)/python -m tools.lock

clean: ## Remove everything that was made
	rm -rf .venv .venv-sam .aws-sam .cache logs .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/.installed: requirements-dev.txt
	@tools/make-venv .venv requirements-dev.txt

.venv-sam/.installed: requirements-sam.txt
	@tools/make-venv .venv-sam requirements-sam.txt
