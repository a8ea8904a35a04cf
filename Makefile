# make demo: see it work.  make test: everything that CI runs.  make check: lints, dependencies, size.

CARGO = cargo
OFFLINE = scripts/offline.sh
export PYO3_BUILD_EXTENSION_MODULE = 1

.PHONY: help demo test check fmt build prerequisites

help:
	@echo "make demo    build everything and watch three Redis clients outlive their tokens"
	@echo "make test    install what the tests need and run every test of every language"
	@echo "make check   formatting, lints, dependencies, versions, size of the shared library"
	@echo "make fmt     format the sources"

prerequisites:
	@scripts/require.sh

build: prerequisites
	$(CARGO) build --locked -p entrakey-cli -p entrakey-ffi
	scripts/python-package.sh
	scripts/node-package.sh
	scripts/hiredis.sh
	scripts/c-examples.sh

demo: build
	@$(OFFLINE) .venv/bin/python examples/demo/demo.py $(DEMO)

test: build check
	$(CARGO) test --locked --no-run --workspace --exclude entrakey-python --exclude entrakey-node
	$(OFFLINE) $(CARGO) test --locked --offline --workspace --exclude entrakey-python --exclude entrakey-node
	cd bindings/python && ../../$(OFFLINE) ../../.venv/bin/python -m pytest -q
	cd bindings/node && ../../$(OFFLINE) npm test
	$(OFFLINE) .venv/bin/python -m pytest -q tests/emulator tests/examples

check: prerequisites
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --lib --bins --tests -- -D warnings
	scripts/check-versions.sh
	scripts/check-tree.sh

fmt:
	$(CARGO) fmt --all
