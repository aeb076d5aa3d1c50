# Every target sets up what it needs first and works alone on a fresh clone. README.md says what each is for.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test build bench results docs format lint clean

# What scripts/setup decided, then the command.
with := . ./.setup.env &&

help: ## what can be made
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

setup: ## libtorch and system libraries, where they are missing
	@scripts/setup

demo: build ## the main job on the bundled data, with a report to look at
	@./crossmodal demo

test: setup ## the whole test suite; installs PyTorch and TensorBoard into .venv to compare with
	@$(with) scripts/test

build: setup ## the command ./crossmodal, in release mode
	@$(with) swift build -c release --product crossmodal

bench: setup ## ours and the peers' on the same work
	@$(with) Benchmarks/run

results: build ## every figure of RESULTS.md anew
	@$(with) scripts/results

docs: setup ## the documentation as a static site in docs/site
	@$(with) scripts/docs

format: ## rewrites the sources as the settings in .swift-format say
	@swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

lint: ## what format would change
	@swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks

clean: ## removes what was built; keeps the fetched libtorch
	@rm -rf .build .build-* .libtorch .system .setup.env .swiftpm docs/site demo-output
