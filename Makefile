# The two commands are `make run` and `make test`; both install missing Debian packages, build, and go.
#
#   make run      a working pair on this machine, MQTT on localhost:1883 (TANDEM_PORT=n for another port), live status;
#                 RUN_ARGS=--detach leaves it in the background, RUN_ARGS=--fresh forgets earlier data
#   make stop     ends that pair
#   make test     all tests that CI runs (SANITIZE=0 leaves out the ASan/UBSan pass)
#   make build    only builds: build/bin/tandemd, build/bin/tandemctl
#   make deb      the Debian package, build/tandem_VERSION_ARCHITECTURE.deb, as lintian likes it
#   make sim      the simulation (tests/sim): SEEDS=n fresh seeds on all cores, after those that failed once
#   make fuzz     libFuzzer on everything that comes from outside (tests/fuzz), FUZZ_SECONDS=n each
#   make check-asan, make check-tsan  unit and wire tests with AddressSanitizer and UBSan, or ThreadSanitizer (long)
#   make hostile  hostile clients against a pair, HOSTILE_ARGS="--seconds 5 --only half_open"
#   make browser  a page with MQTT.js in a headless Chromium, over ws and wss (installs Chromium)
#   make model    the takeover protocol's model with larger bounds (spin; minutes)
#   make bench    speed, beside Debian's Mosquitto; BENCH_ARGS=latency, BENCH_ARGS=growth for other sets of cases
#   make microbench  what parts of the hot path cost as connections, subscriptions, retained and queued messages grow
#   make mutants takes each protective rule out in a scratch copy: the simulation must notice (long; MUTANTS_ARGS="-n 2000")
#   make lab      two boxes in network namespaces with keepalived: power cuts, cut cables (root); TANDEM_LAB_ROUNDS=n;
#                 LAB_ARGS="--compare --rounds 20": beside two Mosquittos; "--only power --crowd 5000", "--loss 10"
#   make lint     clang-tidy
#   make format   clang-format
#   make clean    ends the pair and removes build folders with all data of `make run`

SHELL := /bin/bash
.DEFAULT_GOAL := build
.PHONY: build deb run stop test check-asan check-tsan sim fuzz hostile model mutants bench microbench lab lint format clean deps-build deps-deb deps-run deps-test deps-lint deps-bench deps-microbench deps-fuzz deps-browser

TANDEM_PORT ?= 1883
RUN_ARGS ?=
MUTANTS_ARGS ?=
LAB_ARGS ?=
BENCH_ARGS ?=
HOSTILE_ARGS ?=
SANITIZE ?= 1
SEEDS ?= 10000
FUZZ_SECONDS ?= 60
export TANDEM_PORT

sources = $$(find src mirror cli tests -name '*.?pp' | sort)

build: deps-build
	@cmake --preset default --log-level=WARNING
	@cmake --build --preset programs

# The package that was made before goes: the last line names the only one.
deb: deps-deb
	@cmake --preset default --log-level=WARNING
	@rm -f build/tandem_*.deb
	@cmake --build --preset default --target deb
	@lintian --allow-root --info --fail-on error,warning build/tandem_*.deb
	@echo build/tandem_*.deb

run: deps-run
	@cmake --preset default --log-level=WARNING
	@cmake --build --preset programs
	@etc/dev/run.sh $(RUN_ARGS)

stop:
	@etc/dev/stop.sh

# The last line is ctest's summary of the whole suite.
test: deps-test
	@cmake --preset default --log-level=WARNING
	@cmake --build --preset default
ifneq ($(SANITIZE),0)
	@cmake --preset sanitize --log-level=WARNING
	@cmake --build --preset sanitize
	@ctest --preset sanitize
endif
	@ctest --preset default

check-asan check-tsan: deps-test
	@cmake --preset $(if $(filter check-asan,$@),sanitize,tsan) --log-level=WARNING
	@cmake --build --preset $@
	@ctest --preset $@

# The last line says seeds, simulated hours, faults by kind and violations.
sim: deps-test
	@cmake --preset default --log-level=WARNING
	@cmake --build --preset default --target sim_test
	@build/bin/sim_test --seeds $(SEEDS) --jobs $$(nproc) --replay tests/sim/seeds.txt

# What is found is left in build-fuzz, with the input that shows it.
fuzz: deps-fuzz
	@cmake --preset fuzz --log-level=WARNING
	@cmake --build --preset fuzz
	@tests/fuzz/fuzz.sh build-fuzz $(FUZZ_SECONDS)

hostile: build
	@/usr/bin/python3 -B tests/hostile/hostile.py build/bin $(HOSTILE_ARGS)

browser: build deps-test deps-browser
	@/usr/bin/python3 -B tests/browser/browser_test.py "$(CURDIR)" build/bin

model: deps-test
	@tests/model/check.sh large

bench: deps-bench
	@cmake --preset default --log-level=WARNING
	@cmake --build --preset default
	@etc/dev/bench.sh $(BENCH_ARGS)

microbench: deps-microbench
	@cmake --preset default --log-level=WARNING
	@cmake --build --preset default --target microbench
	@tests/bench/micro/run.sh build/bin

mutants: deps-test
	@tests/mutants/run.sh $(MUTANTS_ARGS)

lab: build deps-test deps-bench
	@/usr/bin/python3 -B tests/lab/lab_test.py "$(CURDIR)" build/bin $(LAB_ARGS)

lint: deps-lint
	@cmake --preset default --log-level=WARNING
	@run-clang-tidy -quiet -p build '/(src|mirror|cli)/.*\.cpp$$'

format: deps-test
	@clang-format -i $(sources)

clean: stop
	@rm -rf build build-sanitize build-tsan build-fuzz

deps-build:
	@etc/dev/deps.sh build
deps-deb:
	@etc/dev/deps.sh build package
deps-run:
	@etc/dev/deps.sh build run
deps-test:
	@etc/dev/deps.sh build test
deps-lint:
	@etc/dev/deps.sh build lint
deps-bench:
	@etc/dev/deps.sh build bench
deps-microbench:
	@etc/dev/deps.sh build microbench
deps-fuzz:
	@etc/dev/deps.sh build fuzz
deps-browser:
	@etc/dev/deps.sh browser
