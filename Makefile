# What people type. Each target sets up what it needs; `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: audit-dependencies demo pin-images test test-postgres test-kafka-postgres test-k8s chaos-k8s bench bench-peers up down logs check lint fmt new-workflow setup clean help
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN   := .venv/bin
STAMP := .venv/.in-step-with-the-lock

demo: setup ## publish events on a stack of its own, show what comes out, stop it again
	@$(BIN)/usher demo

test: setup ## run every test; the last line names what was skipped, and why
	@$(BIN)/pytest --numprocesses 2 --dist loadgroup $(if $(CI),--durations 40)

# The promises of the black-box suite, on another broker or store.
PROMISES := $(addprefix tests/integration/test_,$(addsuffix .py,promises refusals redrive crashes absence audit \
  routed_audit store start events outcomes identity))

test-postgres: setup ## the promise tests with the engine's state and the ledger in Postgres
	@USHER_STATE=postgres $(BIN)/pytest --numprocesses 2 --dist loadgroup $(PROMISES)

test-kafka-postgres: setup ## the same with Kafka for a broker as well
	@USHER_BROKER=kafka USHER_STATE=postgres $(BIN)/pytest --numprocesses 2 --dist loadgroup \
	  $(PROMISES) $(wildcard tests/integration/test_kafka*.py)

# Not in `make test`: the cluster takes most of a machine, and root.
test-k8s: setup ## the promise tests on a real Kubernetes that runs on this machine; wants root on Linux
	@USHER_TEST_ON=kubernetes $(BIN)/pytest --timeout 600 tests/k8s $(PROMISES)

bench: setup ## measure Usher beside a plain wiring and the bare engine, half an hour; QUICK=1: minutes
	@$(BIN)/python -m bench $(if $(QUICK),--quick)

bench-peers: setup ## the same beside DBOS (Postgres, SQLite) and Restate, fetched into the cache; QUICK=1
	@$(BIN)/python -m bench --only plain,usher,dbos,dbos-sqlite,restate --name peers $(if $(QUICK),--quick)

up: setup ## start the embedded stack in the background; returns when it is healthy
	@$(BIN)/usher up --detach

down: setup ## stop it; safe to repeat
	@$(BIN)/usher down

logs: setup ## follow the logs of all its processes; Ctrl-C ends only the following
	@$(BIN)/usher logs --follow

check: lint ## lint and the fast tests: before each commit
	$(BIN)/pytest -q --numprocesses 2 --dist worksteal tests/repo tests/unit

lint: setup ## lint, format, types, lock
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/uv lock --check

fmt: setup ## format the code and fix what the linter can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

chaos: setup ## SEED=7 REQUESTS=2000 REPLICAS=1 AWAY=180: a storm on a stack of its own; build/chaos
	@$(BIN)/python -m tests.chaos --seed "$${SEED-7}" --requests "$${REQUESTS-2000}" \
	  --replicas "$${REPLICAS-1}" --away "$${AWAY-180}"

chaos-k8s: setup ## SEED=7 REQUESTS=700 REPLICAS=3: a storm on a Kubernetes of its own; build/chaos-k8s
	@$(BIN)/python -m tests.k8s --seed "$${SEED-7}" --requests "$${REQUESTS-700}" \
	  --replicas "$${REPLICAS-3}"

pin-images: ## write the digest of every public image beside its tag; wants Docker and a registry
	@.ci/pin-images

audit-dependencies: setup ## hold the lock against the known vulnerabilities of PyPI's database
	@.ci/audit-dependencies

new-workflow: setup ## NAME=order_intake: write a workflow and its test; DIR= for a folder of your own
	@$(BIN)/usher new-workflow "$${NAME-}" $${DIR:+--dir "$$DIR"}

setup: $(STAMP) ## install the locked dependencies into .venv

clean: ## stop the stack; remove .venv, build/ with its data, and the caches here
	-@if [ -x $(BIN)/usher ]; then $(BIN)/usher down; fi
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# --- set-up: uv from PATH, else the one the lock names, in build/uv by venv and pip ---------------

UV := $(or $(shell command -v uv 2>/dev/null),build/uv/bin/uv)
UV_VERSION = $(shell sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)

$(STAMP): uv.lock pyproject.toml $(if $(filter build/uv/bin/uv,$(UV)),$(UV))
	@echo "Installing the locked dependencies into .venv"
	@$(UV) sync --frozen --quiet --extra stack
	@touch $@

define no_python
make: Python 3.11 or newer is needed, with its venv module, and none was found on PATH.
On Debian and Ubuntu: apt-get install python3-venv. Or install uv, which brings a Python: https://docs.astral.sh/uv
endef
export no_python

build/uv/bin/uv:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "Installing uv $(UV_VERSION) into build/uv"; \
	    rm -rf build/uv && $$python -m venv build/uv \
	      && exec build/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	    exit 1; \
	  fi; \
	done; echo "$$no_python" >&2; exit 1
