# Everything a person or a CI runner does here. Needs Rust, Python 3.11 and npm; the rest is installed inside the tree.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

export SAM_CLI_TELEMETRY := 0

CLOUD := python3 tests/local-cloud/local-cloud
TOOLS := $(CURDIR)/.local/venv-tools/bin

# The crates that link the AWS SDK. They are always built together, and with `--examples` where no test is built:
# that makes cargo choose the features of the tests, so that demo, local and test share one build of the SDK.
SDK_CRATES := -p windlass-provision -p windlass-archive-function -p windlass-lifecycle -p windlass-scale -p windlass -p windlass-handler -p windlass-aws -p windlass-conformance -p windlass-e2e

# Requests in a second that use all of an instance of the local cloud, in the demo.
LOAD := 5

.PHONY: help demo local down test wire soak mutants-seeded simulate bench lint package .binaries .cloud .tools

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / && $$1 != "help" {printf "  make %-14s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: local ## Upload a spec to the local cloud and watch it become a running stack
	@$(CLOUD) load $(LOAD)
	@set -a; . .local/env; set +a; code=0; target/debug/windlass demo --requests-per-second $(LOAD) || code=$$?; \
		$(CLOUD) load 0; exit $$code

local: ## Start the local cloud and deploy the pipeline to it; leaves it running
	@$(MAKE) -j2 .binaries .cloud
	@$(CLOUD) deploy --bootstrap target/debug/provision --bootstrap ArchiveFunction=target/debug/archive \
		--bootstrap LifecycleFunction=target/debug/lifecycle --bootstrap ScaleFunction=target/debug/scale \
		--parameters WakeSeconds=1 GraceSeconds=2 ConsistencySeconds=5 EnforceTls=false

down: ## Stop the local cloud
	@$(CLOUD) down

test: ## Run every check and test, the quick ones first
	@tests/run

wire: .binaries ## Kill the function at every request over the wire; SPEC=web AT=17 WHEN=after takes one of them again
	@python3 tests/wire/wire $(if $(SPEC),--spec $(SPEC)) $(if $(AT),--at $(AT)) $(if $(WHEN),--when $(WHEN))

soak: ## Thousands of seeds of every fault at once, and two crashes at once, in the simulator; SEED=7 takes one again
	@cargo run --locked --quiet -p windlass-crash --example soak -- $(if $(SEED),seed $(SEED),swarm)
	@$(if $(SEED),,cargo run --locked --quiet -p windlass-crash --example soak -- double)
	@$(if $(SEED),,cargo run --locked --quiet -p windlass-crash --example soak -- loads)

mutants-seeded: ## Seed bugs by hand, one at a time, and see that the crash suite finds each
	@tests/crash/mutants $(MUTANTS)

simulate: .binaries ## Show how a spec's scaling follows a load; SPEC=…, TRACE=… (a CSV), or SHAPE=step,spike
	@mkdir -p .local
	@target/debug/windlass simulate $(or $(SPEC),events/specs/web.yaml) \
		$(if $(SHAPE),--synthetic $(SHAPE),$(or $(TRACE),events/traces/azure-llm-conversation-2023.csv)) --html .local/simulation.html

bench: ## Measure the reference stack, beside Terraform if it is here; QUICK=1 takes the debug build, CHECK=1 fails on a missed bar
	@$(MAKE) $(if $(QUICK),.binaries,package)
	@python3 tests/bench/bench $(if $(QUICK),--quick) $(if $(CHECK),--check)

lint: .tools ## Check format, lints and the template
	@tests/run lint

package: .tools ## Build the deployable functions: one zip each in dist
	@PATH="$(TOOLS):$$PATH" AWS_LC_SYS_NO_JITTER_ENTROPY=1 cargo lambda build --release --locked \
		-p windlass-provision -p windlass-archive-function -p windlass-lifecycle -p windlass-scale --bin provision --bin archive --bin lifecycle --bin scale \
		--output-format zip --lambda-dir target/package
	@mkdir -p dist
	@for function in provision archive lifecycle scale; do \
		cp "target/package/$$function/bootstrap.zip" "dist/$$function.zip"; \
		stat -c '%n %s' "dist/$$function.zip" | awk '{printf "%-18s %6.2f MB\n", $$1, $$2 / 1e6}'; \
	done

.binaries:
	@cargo build --locked $(SDK_CRATES) --bins --examples

.cloud:
	@$(CLOUD) up

.tools:
	@$(CLOUD) venv
