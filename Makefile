# The targets that developers and CI run. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO := cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
KAFKA := .cache/kafka/$(shell sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' tests/servers/kafka/pom.xml)
BUF := .cache/buf/node_modules/.bin/buf
SDK_JS := .cache/sdk-js/node_modules/@microsoft/microsoft-graph-client/package.json
PROMTOOL := .cache/promtool/promtool
VENV := .venv/installed
# The requirements of the tests through Microsoft's SDK; without the file there is nothing to install.
REQUIREMENTS := $(wildcard tests/sdk/requirements.txt)

.PHONY: help
help: ## lists the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf '  %-10s %s\n' "$$name" "$$text"; done

.PHONY: demo
demo: tools-build ## builds xtsync and runs the demo on simulated tenants, within a minute
	@[[ -e $(TARGET)/demo/xtsync ]] || echo 'building xtsync: about six minutes on two cores the first time, seconds after that'
	$(CARGO) build --locked --profile demo -p xtsync
	$(TARGET)/demo/xtsync demo

.PHONY: test
test: tools-build tools-test kafka postgres promtool venv buf ## installs what the tests need, lints, and runs all of them
	tests/run

.PHONY: bench
bench: tools-build tools-test kafka postgres ## runs the benchmarks, prints tables and writes target/bench/report.json (ARGS="changes initial --users 10000")
	$(CARGO) build --locked --release -p xtsync -p xtsync-bench
	$(TARGET)/release/xtsync-bench --report $(TARGET)/bench/report.json $(ARGS)

.PHONY: seeds
seeds: tools-build tools-test kafka postgres ## tests crashes, injected faults and restored stores with ten seeds, one line each
	tests/ten-seeds $(FIRST)

.PHONY: lint
lint: tools-build buf ## checks format, clippy, sizes, links, retired words, documentation and the protobuf contract
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) test --locked --workspace --test tidy --test links --test words
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps
	$(BUF) lint proto
	$(BUF) breaking proto --against proto/released.binpb

.PHONY: reference
reference: ## writes docs/resources.schema.json and docs/reference/ anew, after a change of a resource
	UPDATE_EXPECT=1 $(CARGO) test --locked -p xtsync --test reference

.PHONY: release-contract
release-contract: buf ## makes the contract as it stands the released one, which later changes must stay compatible with
	$(BUF) build proto --exclude-source-info -o proto/released.binpb

.PHONY: fmt
fmt: ## formats the Rust
	$(CARGO) fmt --all

.PHONY: deny
deny: ## checks licences, banned crates and sources; needs cargo-deny
	@command -v cargo-deny >/dev/null || { echo 'cargo-deny is missing: cargo install --locked cargo-deny' >&2; exit 1; }
	$(CARGO) deny check bans licenses sources

.PHONY: kafka
kafka: $(KAFKA) ## brings the jars of the Apache Kafka broker that the tests start
$(KAFKA): tests/servers/kafka/pom.xml
	@tests/need java mvn
	rm -rf $@ $@.part
	mvn -q -B -f $< dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=$(CURDIR)/$@.part
	mv $@.part $@ && touch $@

.PHONY: postgres
postgres: ## installs PostgreSQL from Debian's packages, if it is missing and we are root
	@tests/servers/postgres/install

.PHONY: promtool
promtool: $(PROMTOOL) ## brings Prometheus' own checker of metrics
$(PROMTOOL): tests/servers/promtool/install
	$< $(CURDIR)/$(@D)
	touch -h $@

.PHONY: venv
venv: $(VENV) ## creates the Python environment of the tests through Microsoft's SDK
$(VENV): $(REQUIREMENTS)
	@tests/need python3
	python3 -m venv .venv
	$(if $(REQUIREMENTS),.venv/bin/pip install -q -r $(REQUIREMENTS))
	touch $@

# Not `npm ci`: it insists on the binaries of all platforms in the lock file, and not every registry serves them all.
.PHONY: buf
buf: $(BUF) ## installs the linter of the protobuf contract
$(BUF): tests/servers/buf/package.json tests/servers/buf/package-lock.json
	@tests/need node npm
	mkdir -p .cache/buf && cp $^ tests/servers/buf/.npmrc .cache/buf/
	npm install --no-save --ignore-scripts --prefix .cache/buf
	touch $@

.PHONY: sdk-js
sdk-js: $(SDK_JS) ## tests a simulator through Microsoft's SDK for JavaScript
	$(CARGO) build --locked --workspace --examples
	XTSYNC_SIM=$(abspath $(TARGET))/debug/examples/serve tests/sdk/js/run
$(SDK_JS): tests/sdk/js/package.json tests/sdk/js/package-lock.json
	@tests/need node npm
	mkdir -p .cache/sdk-js && cp $^ tests/sdk/js/.npmrc .cache/sdk-js/
	npm install --no-save --ignore-scripts --prefix .cache/sdk-js
	touch $@

.PHONY: clean
clean: ## removes everything that was built or downloaded
	$(CARGO) clean
	rm -rf .cache .venv

.PHONY: tools-build tools-test
tools-build:
	@tests/need cargo cc c++ cmake make perl
tools-test:
	@tests/need java mvn python3 node npm setpriv prlimit
