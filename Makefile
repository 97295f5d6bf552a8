# Everything one does with serverfs. `make help` lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help

BUILD_PACKAGES := libfuse3-dev fuse3 libevent-dev pkg-config
TEST_PACKAGES  := wrk fio prometheus chromium chromium-driver libjs-chart.js python3-pip
BENCH_PACKAGES := wrk nginx-light

DOCROOT ?= www
ARGS    ?=
FAULT   ?=
MINUTES ?= 10

SWIFT_SOURCES := Package.swift Sources Tests Benchmarks/Package.swift Benchmarks/Sources Benchmarks/Tests

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: swift ## install the Debian packages that building needs
	@Scripts/install-packages $(BUILD_PACKAGES)

.PHONY: swift
swift:
	@command -v swift >/dev/null || { echo "there is no swift on the PATH: install Swift 6.3 from swift.org" >&2; exit 1; }

.PHONY: build
build: setup ## build serverfs, optimised: .build/release/serverfs
	swift build -c release --product serverfs

.PHONY: run
run: build ## build and serve DOCROOT (www) on http://127.0.0.1:8080/; more options in ARGS
	.build/release/serverfs $(ARGS) $(DOCROOT)

.PHONY: test
test: setup ## run all tests, on real mounts and real sockets
	@Scripts/install-packages $(TEST_PACKAGES)
	@Scripts/fetch-perfetto-ui .build/perfetto-ui
	swift build -c release --product serverfs
	swift build --build-tests
	@Scripts/run-tests swift test --skip-build --skip FaultTests
	@SERVERFS_FAULTS=short Scripts/run-tests swift test --skip-build --filter FaultTests
	@Scripts/run-tests swift test --package-path Benchmarks

.PHONY: test-long
test-long: setup ## the coherence loops for 30 s each, the random run for 10 minutes, every combination of strategies
	@Scripts/install-packages $(TEST_PACKAGES)
	swift build --build-tests
	@SERVERFS_TEST_SECONDS=30 SERVERFS_TEST_RANDOM_SECONDS=600 Scripts/run-tests swift test --skip-build \
		--filter 'CoherenceTests|RandomRunTests|PermissionTests|VerifyTests'

.PHONY: test-faults
test-faults: setup ## kill, stop, starve serverfs and take its mount away, under load, many times; FAULT=… names a few
	@Scripts/install-packages $(TEST_PACKAGES)
	swift build --build-tests
	@SERVERFS_FAULTS=full SERVERFS_FAULT='$(FAULT)' Scripts/run-tests swift test --skip-build --filter FaultTests

.PHONY: soak
soak: setup ## run everything at once for MINUTES=10, and compare what serverfs holds with the first minute
	@Scripts/install-packages $(TEST_PACKAGES)
	swift build --build-tests
	@SERVERFS_SOAK_MINUTES=$(MINUTES) Scripts/run-tests swift test --skip-build --filter FaultTests

BENCH := Benchmarks/.build/release/serverfs-bench

.PHONY: bench-build
bench-build: build
	@Scripts/install-packages $(BENCH_PACKAGES)
	swift build -c release --package-path Benchmarks

.PHONY: bench
bench: bench-build ## mount and bypass by turns under one wrk, nginx, and the targets: 20 minutes
	$(BENCH) speed --serverfs .build/release/serverfs --docroot www $(ARGS)

.PHONY: bench-matrix
bench-matrix: bench-build ## every combination of strategies against its bypass: 24 minutes
	$(BENCH) matrix --serverfs .build/release/serverfs --docroot www $(ARGS)

.PHONY: bench-scale
bench-scale: bench-build ## lookups, memory and descriptors with up to a million files: 5 minutes
	$(BENCH) scale --serverfs .build/release/serverfs $(ARGS)

.PHONY: lint
lint: swift ## check the format of all Swift sources
	swift format lint --strict --parallel --recursive $(SWIFT_SOURCES)

.PHONY: format
format: swift ## format all Swift sources
	swift format --in-place --parallel --recursive $(SWIFT_SOURCES)

.PHONY: clean
clean: ## remove what was built
	rm -rf .build Benchmarks/.build
