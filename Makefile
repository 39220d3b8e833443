# Everything runs from the checkout, in its own .venv. PYTHON chooses the interpreter that makes it.
PYTHON ?= python3
PORT ?= 8000
export PORT

py := .venv/bin/python
pip := $(py) -m pip -qq --disable-pip-version-check --no-input
babel := $(py) -m babel.messages.frontend --quiet
catalogues := $(wildcard registration/translations/*/LC_MESSAGES/messages.po)
compiled := $(catalogues:.po=.mo)
npm := npm --prefix tests/ical_reader --ignore-scripts --no-audit --no-fund --loglevel=error
ical_reader := tests/ical_reader/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/run.stamp $(compiled) ## Set up what is missing and serve the sample event on PORT (8000)
	@PLENARY_ENV=development exec $(py) -m flask --app wsgi develop

.PHONY: setup
setup: .venv/dev.stamp $(compiled) $(ical_reader) ## Make .venv with everything development needs

.PHONY: test
test: setup ## Run all tests, on each core; ARGS="-k reminder -x" reaches pytest
	@$(py) -m pytest $(side_by_side) $(ARGS)

# Each process has servers of its own; one that has no more to do takes over from another.
side_by_side := --numprocesses auto --maxprocesses 4 --dist worksteal

# The share of the counts in the test plan: 1 is all of them.
PLENARY_FAULTS ?= 1

.PHONY: faults-short
faults-short: PLENARY_FAULTS = 0.15
faults-short: faults ## The same with a share of the counts (0.15)

.PHONY: faults
faults: setup ## Kill workers, break mail servers and count, as often as the plan asks for: hours on two cores
	@PLENARY_FAULTS=$(PLENARY_FAULTS) $(py) -m pytest tests/faults $(ARGS)

.PHONY: inputs
inputs: setup ## Send every class of awkward input to every field of every form, where `make test` sends a share
	@PLENARY_INPUTS=1 $(py) -m pytest $(side_by_side) tests/web/test_any_input.py $(ARGS)

.PHONY: mutate
mutate: setup ## Take away each guard of who may do what, and see that a test notices: minutes; ARGS="--only exports"
	@$(py) -m tests.guards $(ARGS)

.PHONY: lint
lint: .venv/dev.stamp ## Check style, formatting, types, layers, and what bandit and detect-secrets find
	@$(py) -m ruff check .
	@$(py) -m ruff format --check .
	@$(py) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(py) -m bandit --quiet --severity-level medium --recursive checks config.py deploy migrations registration wsgi.py
	@git ls-files -z -- . $(invented) $(locks) | xargs -0 .venv/bin/detect-secrets-hook
	@git ls-files -z -- $(subst :!,,$(invented)) | xargs -0 .venv/bin/detect-secrets-hook \
	  --disable-plugin KeywordDetector --disable-plugin HexHighEntropyString --disable-plugin BasicAuthDetector

# Tests are made of invented passwords and digests, and locks of digests: only keys of known makes are looked for there.
invented := ':!tests' ':!bench'
locks := ':!requirements' ':!tests/ical_reader/package-lock.json'

.PHONY: audit
audit: .venv/dev.stamp ## Look up known vulnerabilities of what we run on, where the internet can be reached
	@$(py) -m checks.audit

.PHONY: sbom
sbom: .venv/dev.stamp ## Write what we run on as an SBOM (CycloneDX) into build/sbom.cdx.json
	@mkdir -p $(dir $(SBOM))
	@$(py) -W ignore -m cyclonedx_py requirements --short-PURLs --output-reproducible --pyproject pyproject.toml \
	  --output-file $(SBOM) requirements/run.lock
	@echo $(SBOM)

SBOM ?= build/sbom.cdx.json

.PHONY: format
format: .venv/dev.stamp ## Format the code and repair what ruff can repair
	@$(py) -m ruff check --fix .
	@$(py) -m ruff format .

.PHONY: bench
bench: setup ## Measure speed, as ratios against bare code
	@$(py) -m bench

.PHONY: translations
translations: .venv/dev.stamp ## Collect the sentences of code and templates into the catalogues
	@mkdir -p registration/translations
	@$(babel) extract --mapping-file babel.cfg --keywords "_l lazy_gettext lazy_ngettext:1,2" --sort-by-file \
	  --no-location --project Plenary --output-file registration/translations/messages.pot .
	@$(babel) update --no-fuzzy-matching --ignore-pot-creation-date \
	  --input-file registration/translations/messages.pot --output-dir registration/translations
	@$(MAKE) --no-print-directory setup

.PHONY: lock
lock: .venv/dev.stamp ## Renew the locks from pyproject.toml and tests/ical_reader/package.json
	@$(compile) --output-file requirements/run.lock pyproject.toml
	@$(compile) --extra dev --constraint requirements/run.lock --output-file requirements/dev.lock pyproject.toml
	@$(npm) update --package-lock-only --omit-lockfile-registry-resolved >/dev/null
	@if grep -n '://' requirements/*.lock tests/ical_reader/package-lock.json; then echo "The locks may not hold addresses" >&2; exit 1; fi

# No registry address may stand in a lock: everyone installs from the registry of their own settings.
compile = $(py) -m piptools compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
  --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

# The stamps are newer than the locks as long as the locks do not change, so a second start never calls pip.
# dev.lock holds all of run.lock.
.venv/run.stamp: requirements/run.lock
	@$(make-venv)
	@echo "Installing the dependencies (once) ..."
	@$(pip) install --require-hashes -r requirements/run.lock
	@touch $@

.venv/dev.stamp: requirements/dev.lock
	@$(make-venv)
	@echo "Installing the dependencies of development (once) ..."
	@$(pip) install --require-hashes -r requirements/dev.lock
	@touch .venv/run.stamp $@

# The tests read calendar files with a library of JavaScript too; without node and npm these tests are skipped.
$(ical_reader): tests/ical_reader/package-lock.json
	@if command -v node >/dev/null && command -v npm >/dev/null; then $(npm) ci >/dev/null; fi

# An environment without pip is what is left where the system lacks ensurepip (python3-venv on Debian).
define make-venv
.venv/bin/pip --version >/dev/null 2>&1 || { \
  $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || { echo "Plenary needs Python 3.11 or later; choose one with: make PYTHON=python3.12 ..." >&2; exit 1; }; \
  $(PYTHON) -m venv --clear .venv \
    || { echo "Python cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }; }
endef

$(compiled): %.mo: %.po | .venv/run.stamp
	@$(babel) compile --input-file $< --output-file $@
