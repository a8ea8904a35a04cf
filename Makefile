# make demo: see it work.  make test: everything that CI runs.  make check: lints, dependencies, size.

CARGO = cargo
OFFLINE = scripts/offline.sh
export PYO3_BUILD_EXTENSION_MODULE = 1

MINUTES = 10
SECONDS_EACH = 900
PREFIX = /usr/local
LIBDIR = lib
# Where cargo builds to, whatever CARGO_TARGET_DIR or a configuration file of cargo's says.
BUILT = $(shell cargo metadata --no-deps --offline --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')$(CARGO_BUILD_TARGET:%=/%)/release
# The scripts look in target/ for what was built: only `make install` and `make install-cli` heed what a developer's shell says.
ifeq ($(filter install install-cli,$(MAKECMDGOALS)),)
export CARGO_TARGET_DIR = $(CURDIR)/target
unexport CARGO_BUILD_TARGET
endif

# Two parts at once would starve each other's clocks.
.NOTPARALLEL:

# But most tests wait for tokens to end, and builds, lints and the simulation only compute: `make test` has two lanes. The one
# that computes builds what the C library's tests need first, and leaves alone what others run meanwhile (target/debug/entrakey).
COMPUTING = lints test-core
WAITING = test-python test-node test-go test-java test-emulator test-cli test-peers test-proxy test-agent test-leases test-dashboard test-c
TESTS = $(COMPUTING) $(WAITING)

.PHONY: help demo test $(TESTS) computing waiting c-library-is-built what-tests-run other-clients check bench soak simulate mutants fuzz install uninstall install-cli uninstall-cli fmt build prerequisites prerequisites-of-test

help:
	@echo "make demo    build everything and watch six Redis clients outlive their tokens"
	@echo "make test    install what the tests need and run every test of every language"
	@echo "make test-core, test-c, test-python, test-node, test-go, test-java, test-emulator, test-cli, test-peers, test-proxy, test-agent, test-leases, test-dashboard    one part of that"
	@echo "make check   formatting, lints, dependencies, versions, size of the shared library"
	@echo "make bench   speed against a floor, how a fleet spreads its requests, how soon the emulator is there"
	@echo "make install PREFIX=/usr/local    the C library, for pkg-config and CMake (DESTDIR=, LIBDIR=lib)"
	@echo "make install-cli    the entrakey command, its manual pages and completions (PREFIX=, DESTDIR=); make uninstall-cli"
	@echo "make uninstall    what make install put there, with the same PREFIX, DESTDIR and LIBDIR"
	@echo "make fuzz    an hour and a quarter of inputs for the C library and the proxy (SECONDS_EACH=60 for less)"
	@echo "make soak    ten minutes against a source that is down 40 % of the time (MINUTES=1 for less)"
	@echo "make simulate ARGS=--help    random histories of the refresh engine on a virtual clock"
	@echo "make mutants ARGS=--list    break the refresh engine, one way at a time: what no test notices (hours)"
	@echo "make fmt     format the sources"

prerequisites:
	@scripts/check/require.sh

prerequisites-of-test:
	@scripts/check/require.sh test

build: prerequisites
	$(CARGO) build --locked -p entrakey-cli -p entrakey-ffi
	scripts/build/python-package.sh
	scripts/build/node-package.sh
	scripts/build/c-clients.sh
	scripts/build/c-examples.sh
	scripts/build/go-examples.sh
	scripts/build/java-examples.sh

demo: build
	@$(OFFLINE) .venv/bin/python examples/demo/demo.py $(DEMO)

# Each part says how many minutes it took, and can be run alone.
TIMED = @scripts/timed.sh
PYTEST = $(OFFLINE) .venv/bin/python -m pytest -q
CORE = $(CARGO) test --locked -p entrakey-core -p entrakey-sys
LIBRARY = $(CARGO) test --locked -p entrakey-ffi -p entrakey-tests
EMULATOR = $(CARGO) test --locked -p entrakey-emulator -p entrakey-cli
PROXY = $(CARGO) test --locked -p entrakey-service -p entrakey-proxy
AGENT = $(CARGO) test --locked -p entrakey-agent --lib
LEASES = $(CARGO) test --locked -p entrakey-leases --lib

test: what-tests-run
	@scripts/side-by-side.sh "$(MAKE) --no-print-directory IS_BUILT=yes computing" "$(MAKE) --no-print-directory IS_BUILT=yes waiting"

computing: c-library-is-built $(COMPUTING)

waiting: $(WAITING)

ifdef IS_BUILT
what-tests-run:
else
what-tests-run: prerequisites-of-test
	$(TIMED) "what the tests run is built" $(MAKE) --no-print-directory build
endif

lints: what-tests-run
	$(TIMED) "lints, dependencies, versions" $(MAKE) --no-print-directory check

test-core: prerequisites
	$(TIMED) "core's tests are built" $(CORE) --no-run
	$(TIMED) "core" $(OFFLINE) $(CORE) --offline
	$(TIMED) "simulation" $(CARGO) test --locked -p entrakey-core --features internals --test simulation
	$(TIMED) "interleavings" $(CARGO) test --locked -p entrakey-core --features shuttle --lib interleavings

c-library-is-built: what-tests-run
	$(TIMED) "tests of the C library are built" $(LIBRARY) --no-run
	$(TIMED) "the C library under sanitizers is built" scripts/build/sanitized.sh

test-c: c-library-is-built
	$(TIMED) "C library, end to end" $(OFFLINE) $(LIBRARY) --offline
	$(TIMED) "fuzzers" $(OFFLINE) scripts/check/fuzz.sh 5

test-python: what-tests-run
	$(TIMED) "Python" sh -c 'cd bindings/python && exec ../../$(OFFLINE) ../../.venv/bin/python -m pytest -q --ignore tests/test_forty_seconds.py'
	$(TIMED) "Python, all at once for forty seconds" sh -c 'cd bindings/python && exec ../../$(OFFLINE) ../../.venv/bin/python -m pytest -q -n 0 tests/test_forty_seconds.py'

test-node: what-tests-run
	$(TIMED) "Node.js" sh -c 'cd bindings/node && exec ../../$(OFFLINE) npm test'

test-go: what-tests-run
	$(TIMED) "Go's modules are fetched" scripts/build/go-modules.sh
	$(TIMED) "Go" $(OFFLINE) scripts/check/go.sh

test-java: what-tests-run
	$(TIMED) "Java's library and modules are built" scripts/build/java-package.sh
	$(TIMED) "Java" $(OFFLINE) scripts/check/java.sh

test-emulator: what-tests-run
	$(TIMED) "the emulator's tests are built" $(EMULATOR) --no-run
	$(TIMED) "emulator" $(OFFLINE) $(EMULATOR) --offline
	$(TIMED) "emulator's commands, examples, contract" $(PYTEST) tests/emulator tests/examples tests/contract

test-cli: what-tests-run
	$(TIMED) "the command as typed" $(PYTEST) tests/cli
	$(TIMED) "the command's packages are built" scripts/build/cli-packages.sh debug
	$(TIMED) "the command's packages, installed" $(OFFLINE) scripts/check/cli-packages.sh target/cli-packages

other-clients: what-tests-run
	$(TIMED) "other clients are built" scripts/build/peers.sh

test-peers: other-clients
	$(TIMED) "other clients, Python" $(PYTEST) tests/peers/python
	$(TIMED) "other clients, Node.js" sh -c 'cd tests/peers/node && exec ../../../$(OFFLINE) npm test'

test-proxy: other-clients
	$(TIMED) "the proxy's tests are built" $(PROXY) --no-run
	$(TIMED) "proxy" $(OFFLINE) $(PROXY) --offline
	$(TIMED) "the proxy, in front of Redis 8 and Valkey 8" $(OFFLINE) scripts/check/proxy-servers.sh $(PROXY) --offline --lib
	$(TIMED) "the proxy, what breaks and stands still around it, clients of a cluster" $(PYTEST) -n 4 --dist loadfile tests/proxy/test_deploy.py tests/proxy/test_faults.py tests/proxy/test_standstill.py tests/proxy/test_cluster.py
	$(TIMED) "the proxy, thousands of idle connections" $(PYTEST) tests/proxy/test_many.py
	$(TIMED) "the proxy, stock clients all at once for forty seconds" $(PYTEST) tests/proxy/test_forty_seconds.py

test-agent: other-clients
	$(TIMED) "the agent's tests are built" $(AGENT) --no-run
	$(TIMED) "agent" $(OFFLINE) $(AGENT) --offline
	$(TIMED) "the agent: stock clients, strangers, trouble" $(PYTEST) -n 4 --dist load tests/agent

test-leases: what-tests-run
	$(TIMED) "the leases' tests are built" $(LEASES) --no-run
	$(TIMED) "leases, a thousand histories, SQLite and PostgreSQL" $(OFFLINE) $(LEASES) --offline
	$(TIMED) "leases: killed at every step, replicas, the API" $(PYTEST) -n 4 --dist load tests/leases

test-dashboard: what-tests-run
	$(TIMED) "what drives Chromium is fetched" sh -c 'cd tests/dashboard && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error'
	$(TIMED) "the dashboard of leases, in Chromium" sh -c 'cd tests/dashboard && exec ../../$(OFFLINE) npm test'

check: prerequisites
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --lib --bins --tests --examples -- -D warnings
	scripts/check/versions.sh
	scripts/check/tree.sh
	"$${PYTHON:-python3}" scripts/check/third-party-notices.py --check

simulate:
	@$(CARGO) test -q --locked -p entrakey-core --features internals --test simulation -- $(ARGS)

mutants:
	@scripts/check/mutants.sh $(ARGS)

bench: prerequisites
	$(CARGO) build --locked -p entrakey-cli
	scripts/build/release.sh $(CARGO) build --locked --release -p entrakey-ffi
	@$(OFFLINE) scripts/bench/c.sh
	$(CARGO) bench --locked -p entrakey-core --bench get_token
	$(CARGO) bench --locked -p entrakey-core --features internals --bench listeners
	$(CARGO) bench --locked -p entrakey-core --bench close
	scripts/bench/python.sh
	@$(MAKE) --no-print-directory simulate ARGS=--fleet
	$(CARGO) bench --locked -p entrakey-emulator --bench redis_plane --no-run
	@$(OFFLINE) $(CARGO) bench -q --locked --offline -p entrakey-emulator --bench redis_plane
	$(CARGO) build --locked --release -p entrakey-cli
	@$(OFFLINE) "$${PYTHON:-python3}" scripts/bench/emulator-startup.py target/debug/entrakey target/release/entrakey
	@scripts/check/require.sh bench
	@$(OFFLINE) "$${PYTHON:-python3}" scripts/bench/proxy.py target/release/entrakey
	$(CARGO) build --locked --release -p entrakey-agent --examples
	@$(OFFLINE) "$${PYTHON:-python3}" scripts/bench/agent.py target/release/entrakey target/release/examples/bare target/release/examples/load
	$(CARGO) build --locked --release -p entrakey-leases --examples
	@$(OFFLINE) "$${PYTHON:-python3}" scripts/bench/leases.py target/release/entrakey target/release/examples/rate
	scripts/build/go-modules.sh
	@$(OFFLINE) scripts/bench/go.sh
	scripts/build/java-package.sh
	scripts/build/release.sh $(CARGO) build --locked --release -p entrakey-java
	@$(OFFLINE) scripts/bench/java.sh
	scripts/build/node-package.sh
	$(CARGO) build --locked --release -p entrakey-node
	@$(OFFLINE) node bindings/node/bench/run.mjs

soak: prerequisites
	$(CARGO) build --locked -p entrakey-cli -p entrakey-tests --bins --example soak
	@$(OFFLINE) target/debug/examples/soak $(MINUTES)

# Needs Rust and a C compiler only. As root after a build of one's own, which is then not repeated: make install
# CARGO=true BUILT=target/release (the flags of the build name its builder's home, to take it out of the binaries).
install:
	scripts/build/release.sh $(CARGO) build --locked --release -p entrakey-ffi
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' LIBDIR='$(LIBDIR)' scripts/build/install.sh '$(BUILT)'

uninstall:
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' LIBDIR='$(LIBDIR)' scripts/build/install.sh --uninstall

# The command for everybody, with its manual pages and completions: needs Rust only. As root after a build of one's own:
# make install-cli CARGO=true BUILT=target/release.
install-cli:
	scripts/build/release.sh $(CARGO) build --locked --release -p entrakey-cli
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/build/install-cli.sh '$(BUILT)'

uninstall-cli:
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' scripts/build/install-cli.sh --uninstall

fuzz: prerequisites-of-test
	scripts/build/sanitized.sh
	@$(OFFLINE) scripts/check/fuzz.sh $(SECONDS_EACH)

fmt:
	$(CARGO) fmt --all
