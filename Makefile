# Thin on purpose: each target is a line or two, its logic is in scripts/.
PYTHON ?= python3.11
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-polyglot test test-install conformance lint docs generate release bench bench-regret bench-suites bench-latency toolchains constraints clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

setup: .venv/.stamp$(if $(filter 1,$(GPU)),-gpu) ## make .venv with everything pinned (the other targets do this when needed); GPU=1 with CUDA

.venv/.stamp .venv/.stamp-gpu: pyproject.toml clients/python/pyproject.toml constraints.txt scripts/setup.sh scripts/without_cuda.py
	scripts/setup.sh $(PYTHON)

.venv/.stamp-bench: .venv/.stamp
	scripts/setup.sh $(PYTHON) bench

demo-polyglot: setup ## workers of every language present on one study
	$(BIN)/python -m examples.polyglot

demo: setup ## start a server on its embedded store, tune a real model, print the trial table
	$(BIN)/python -m examples.demo

test: setup ## run every test (missing toolchains skip; ASKTELL_REQUIRE_ALL=1 makes them fail)
	scripts/test.sh

test-install: setup ## install both wheels from the package index in a clean environment, run the README's loop there
	ASKTELL_CLEAN_INSTALL=1 scripts/test.sh tests/integration/test_wheels.py

conformance: setup ## the corpus of cases through every client whose toolchain is present
	$(BIN)/python -m tests.conformance

lint: setup ## style, types, import directions, the contract, generated code current
	scripts/lint.sh

docs: setup ## API documentation of every client whose toolchain is present
	mkdir -p build/docs && cd build/docs && ../../$(BIN)/python -m pydoc -w asktell
	scripts/languages.sh docs

generate: setup ## regenerate the code of proto/ that is checked in
	$(BIN)/python scripts/generate.py
	scripts/languages.sh generate

release: setup ## build what a release consists of, try each part, print how to publish it (publishes nothing)
	scripts/release.sh

bench: setup ## latency, throughput, fairness and memory on this machine
	$(BIN)/python -m benchmarks

bench-regret: .venv/.stamp-bench ## how good the configurations are, beside Ax, Optuna and random (hours; resumes)
	$(BIN)/python -m benchmarks.regret

bench-suites: .venv/.stamp-bench ## the same for several objectives, constraints, conditions and priors (hours; resumes)
	for suite in objectives constraints conditional; do $(BIN)/python -m benchmarks.regret --suite $$suite || exit; done
	$(BIN)/python -m benchmarks.regret.priors

bench-latency: .venv/.stamp-bench ## how long one ask takes, beside Ax and Optuna
	$(BIN)/python -m benchmarks.latency

toolchains: ## install the system packages that some tests need (Debian, as root), or say what is missing
	scripts/toolchains.sh

constraints: .venv/.stamp-bench ## write constraints.txt from what .venv holds now
	scripts/constraints.sh

clean: ## remove .venv, caches and builds
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
