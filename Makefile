# Each target is one command on a fresh machine: it builds the virtual environment it needs and asks nothing.
# Debian packages for the tests are installed by `make test` when it runs as root; otherwise it names what it skips.

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip -qq --no-input --disable-pip-version-check
RUNTIME := $(VENV)/.runtime
TOOLS := $(VENV)/.tools
# More than there are cores: many tests wait for the clock.
PYTEST := $(PY) -m pytest --numprocesses 3 --dist worksteal
QUICK := tests/core tests/mime tests/store tests/desk tests/test_config.py tests/test_floors.py
PACKAGES := chromium dovecot-core dovecot-imapd dovecot-lmtpd faketime libfaketime mutt openssl postfix postgresql strace swaks systemd
export MAILD_CORPUS ?= $(abspath ../shared/corpus)
# Compiled once: what is started hundreds of times need not be compiled as often.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test check lint soak fuzz bench packages clean

help: ## these lines
	@sed -n 's/^\([a-z]*\):.*## /  make \1 	/p' Makefile

demo: $(RUNTIME) ## play a whole conversation over real SMTP and HTTP
	@$(VENV)/bin/maild demo

test: packages $(TOOLS) ## everything, with real servers
	@$(PYTEST) -m "not soak"

check: lint ## lint, types and the quick tests of rules, mails, store and desk, in less than a minute
	@$(PYTEST) -q -m "not system and not soak and not slow" $(QUICK)

lint: $(TOOLS) ## style and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/mypy

soak: packages $(TOOLS) ## half an hour of mail, with crashes in between
	@$(PY) -m pytest --numprocesses 2 --dist worksteal -m soak --durations=0

fuzz: $(TOOLS) ## a hundred thousand spoilt mails
	@MAILD_FUZZ=$${MAILD_FUZZ:-100000} $(PY) -m pytest -q tests/mime/test_fuzz.py tests/mime/test_security_rows.py

bench: $(TOOLS) ## ratios against a null server
	@$(PY) bench/run.py

# Debian packs the module venv apart from Python itself.
$(PY):
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	    rm -rf $(VENV); \
	    [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || \
	        { apt-get update -qq && apt-get install -qq --yes --no-install-recommends python3-venv; } >/dev/null 2>&1; \
	    $(PYTHON) -m venv $(VENV); \
	}

$(RUNTIME): pyproject.toml | $(PY)
	@echo "installing what maild needs into $(VENV)"
	@$(PIP) install --editable .
	@touch $@

$(TOOLS): $(RUNTIME)
	@echo "installing what the tests need into $(VENV)"
	@$(PIP) install --upgrade "pip>=25.1" # the first that knows --group
	@$(PIP) install --group dev
	@touch $@

# policy-rc.d keeps the packages from starting daemons: the tests start their own.
packages:
	@missing=$$(for each in $(PACKAGES); do \
	    [ "$$(dpkg-query --show --showformat '$${db:Status-Status}' $$each 2>/dev/null)" = installed ] || echo $$each; \
	done); \
	[ -n "$$missing" ] || exit 0; \
	if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
	    echo "not installed, so tests that need them are skipped:" $$missing; exit 0; \
	fi; \
	echo "installing" $$missing; \
	export DEBIAN_FRONTEND=noninteractive; \
	log=$$(mktemp); policy=; \
	trap 'rm -f $$log $$policy' EXIT; \
	if [ ! -e /usr/sbin/policy-rc.d ]; then \
	    policy=/usr/sbin/policy-rc.d; printf '#!/bin/sh\nexit 101\n' >$$policy; chmod 755 $$policy; \
	fi; \
	{ echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections \
	    && apt-get update -qq \
	    && apt-get install -qq --yes --no-upgrade --no-install-recommends $$missing; \
	} >$$log 2>&1 || { cat $$log; exit 1; }

clean: ## forget the virtual environment and all caches
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis dist
