# Meanwhile. `make` alone lists what can be made; the work is in scripts/.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c

.PHONY: help setup setup-run run build frontend binary reproducible test test-go test-beside test-race test-frontend test-e2e test-cluster \
	lint generate bench fuzz chaos controls clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what building and testing need (Debian as root; elsewhere it tells you)
	@scripts/setup.sh test

setup-run:
	@scripts/setup.sh run

run: setup-run build ## build, start the server, print its address
	@exec bin/meanwhile serve

build: frontend binary ## one static binary, bin/meanwhile, with the frontend inside

frontend:
	@scripts/build-frontend.sh

binary:
	@scripts/build-binary.sh

reproducible: ## build twice in two folders and compare
	@scripts/reproducible.sh

test: setup build test-go test-beside test-e2e test-cluster ## every test: Go, frontend, real browsers, many machines

test-go:
	@scripts/test-go.sh

# the race detector's tests wait for half of their time
test-beside:
	@$(MAKE) --no-print-directory -j2 --output-sync=target test-race test-frontend reproducible

test-race: ## the tests of the storage once more, under the race detector (needs a C compiler)
	@scripts/test-race.sh

test-frontend:
	@scripts/npm.sh frontend run test

test-e2e: ## the tests in real browsers on one machine alone (needs bin/meanwhile)
	@scripts/test-e2e.sh

test-cluster: ## faults, and the tests in real browsers, on two servers and three workers (needs bin/meanwhile)
	@scripts/test-cluster.sh

chaos: ## random faults on a cluster, RUNS (default 100) times, each from a printed seed (long)
	@RUNS=$(RUNS) SEED=$(SEED) scripts/chaos.sh

lint: ## all linters, the architecture test, and the drift of generated files
	@scripts/lint.sh

generate: ## openapi.json from the binary, TypeScript types from openapi.json
	@scripts/generate.sh

bench: setup build ## the figures we promise, one line each
	@scripts/bench.sh

fuzz: ## fuzz every parser, FUZZTIME (default 30s) each
	@scripts/fuzz.sh

controls: ## take the guard against each attack away, and want its test to turn red (long)
	@scripts/controls.sh

clean: ## remove everything made here, but not your data folder
	@rm -rf bin .tools e2e/test-results e2e/playwright-report e2e/.cache bench-results
	find frontend/dist -mindepth 1 ! -name .gitkeep -delete 2>/dev/null || true
	find . -name node_modules -type d -prune -exec rm -rf {} +
