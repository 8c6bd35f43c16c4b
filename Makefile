# 두레 Dure. Every verb prepares what it needs; the second time it is fast.

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help attack run test test-heavy story pictures bench-orders bench-menu bench-audience bench-twin bench-builder bench-money bench-targeting bench-allocate bench-week diagrams crash races bugs machines bench-campaign calibrate town check format lock backup clean

# Compiled loops that wait for each other sleep: spinning, as is the default, takes the processor from whoever is waited for.
export OMP_WAIT_POLICY := passive

PY := .venv/bin/python
DURE := $(PY) -m dure.project.cli
# A virtual environment knows its folder: when the checkout moves, it is installed anew.
HERE := $(shell pwd | cksum | cut -d ' ' -f 1)
VENV := .venv/.made-$(HERE)
RUN := .venv/.run-$(HERE)
DEV := .venv/.dev-$(HERE)
PEERS := .venv/.peers-$(HERE)
SPARK := .venv/.spark-$(HERE)
CHROMIUM := .venv/chromium
# Where bytecode is forbidden, as containers like to, every one of our processes would compile all of Django anew.
unexport PYTHONDONTWRITEBYTECODE
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

help: ## Explain every verb
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN) ## Start Dure with a demo neighbourhood and print its addresses; Ctrl-C stops everything (DURE_PORT, DURE_HOME, DURE_DATABASE_URL)
	@exec $(DURE) run

test: $(DEV) $(CHROMIUM) ## Run every test against a real PostgreSQL and a real browser (ARGS="tests/rooms -x" narrows it)
	@DURE_CHROMIUM="$$(cat $(CHROMIUM))" $(PY) -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not heavy" $(ARGS)

test-heavy: $(DEV) $(SPARK) $(CHROMIUM) ## Run the tests that take minutes or a Spark cluster of their own (deselected by make test, which counts them)
	@DURE_CHROMIUM="$$(cat $(CHROMIUM))" $(PY) -m pytest -m heavy $(ARGS)

story: $(DEV) $(CHROMIUM) ## Walk the whole loop in a real browser and keep screenshots of every page in test-results/
	@DURE_CHROMIUM="$$(cat $(CHROMIUM))" $(PY) -m pytest tests/story -m story $(ARGS)

pictures: story ## Take the README's pictures anew, from the story's screenshots
	@$(PY) scripts/pictures.py

bench-orders: $(DEV) ## Measure paid orders per second beside pgbench; writes benchmarks/results/orders.json
	@$(PY) -m benchmarks.orders $(ARGS)

bench-menu: $(DEV) $(CHROMIUM) ## Measure the first look at a menu, and how long dure run takes; writes benchmarks/results/menu.json
	@DURE_CHROMIUM="$$(cat $(CHROMIUM))" $(PY) -m benchmarks.menu $(ARGS)

bench-campaign: $(DEV) ## Measure a million people from "send" to assigned and queued beside row by row (ARGS="--people 100000"); writes benchmarks/results/campaign.json
	@$(PY) -m benchmarks.campaign $(ARGS)

calibrate: $(DEV) ## Check on simulated shops that what the lift page says is true; writes benchmarks/results/calibrate.json
	@$(PY) -m benchmarks.calibrate $(ARGS)

town: $(DEV) ## Live sixteen weeks in a town with known truth, policies side by side (ARGS="--customers 50000 --shops 120 --weeks 12"), or on the platform itself (ARGS="--through-the-product", and with --policies side by side there); writes benchmarks/results/town.json, town-lived.json or town-policies.json
	@$(PY) -m benchmarks.town $(ARGS)

bench-audience: $(PEERS) ## Count 200 audiences of 40 million people beside DuckDB, ClickHouse and PostgreSQL (ARGS="--people 4000000"); writes benchmarks/results/audience.json
	@$(PY) -m benchmarks.audience $(ARGS)

bench-twin: $(DEV) ## Draw a twin of the country and compare it with the people, by kind of audience (ARGS="--people 40000000"); writes benchmarks/results/twin.json
	@$(PY) -m benchmarks.twin $(ARGS)

bench-builder: $(DEV) ## Let 20 owners slide at once over HTTP, the twin at 40 million (ARGS="--people 1000000"); writes benchmarks/results/builder.json
	@$(PY) -m benchmarks.audience_http $(ARGS)

bench-money: $(DEV) ## Measure redemptions of one hot offer and payments of one hot shop beside plain row-lock SQL; writes benchmarks/results/money.json
	@$(PY) -m benchmarks.money $(ARGS)

bench-targeting: $(PEERS) ## Judge the scores on public experiments and histories (ARGS="--data FOLDER"); writes benchmarks/results/targeting.json
	@$(PY) -m benchmarks.targeting $(ARGS)

bench-week: $(DEV) ## Score 220 candidates of each of four million people and plan their week, certified (ARGS="--people 40000000"); writes benchmarks/results/week.json
	@$(PY) -m benchmarks.week $(ARGS)

bench-allocate: $(PEERS) ## Plan a week for 40 million people beside PDLP, HiGHS and simple rules (ARGS="--people 4000000"); writes benchmarks/results/allocate.json
	@$(PY) -m benchmarks.allocate $(ARGS)

diagrams: $(DEV) ## Draw every room's states from the tables in its rules.py; writes docs/reference/state-machines.md
	@$(PY) scripts/diagrams.py

crash: $(DEV) ## Kill the web, the worker, the sandbox and PostgreSQL with -9 under load and count what is lost; writes benchmarks/results/crash.json
	@$(PY) -m benchmarks.crash $(ARGS)

races: $(DEV) ## Race every limit of money and rights with a thousand operations, each beside its naive shape; writes benchmarks/results/races.json
	@DURE_THOROUGH=1 $(PY) -m pytest tests/project/test_races.py -q -s -p no:xdist $(ARGS)

bugs: $(DEV) ## Plant the bank's bugs one at a time and count those that the tests notice; writes benchmarks/results/bugs.json
	@$(PY) -m benchmarks.bugs $(ARGS)

machines: $(DEV) ## Walk the books, wallets and offers against their models for thousands of steps, never the same way twice
	@DURE_THOROUGH=1 $(PY) -m pytest tests/rooms/ledger/test_machine.py tests/rooms/wallet/test_machine.py tests/rooms/offers/test_machine.py -q -s -p no:xdist $(ARGS)

attack: $(DEV) ## Let an attacker who knows all but one bit try what Dure says of real people; writes benchmarks/results/attack.json
	@$(PY) -m benchmarks.attack $(ARGS)

check: $(DEV) ## Format, lint, types, import contracts, migrations, templates, deployment settings, known vulnerabilities
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()'
	@DURE_HOME=.dure-test $(DURE) manage makemigrations --check --dry-run
	@DURE_HOME=.dure-test $(PY) scripts/check_templates.py
	@$(PY) -m djlint --lint --quiet src/dure
	@$(PY) scripts/check_deployment.py
	@$(PY) scripts/audit.py

format: $(DEV) ## Format the code and mend what the linter can
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

lock: $(DEV) ## Resolve the dependencies of pyproject.toml anew into requirements/*.txt (ARGS="--upgrade" for newer ones)
	$(PY) -m $(COMPILE) $(ARGS) pyproject.toml --group build -o requirements/run.txt
	$(PY) -m $(COMPILE) $(ARGS) pyproject.toml --group build --group dev -c requirements/run.txt -o requirements/dev.txt
	$(PY) -m $(COMPILE) $(ARGS) pyproject.toml --group build --group dev --group bench -c requirements/dev.txt -o requirements/bench.txt
	$(PY) -m $(COMPILE) $(ARGS) pyproject.toml --group build --group dev --group spark -c requirements/dev.txt -o requirements/spark.txt
	$(PY) -m $(COMPILE) $(ARGS) --no-deps --group carriers -o requirements/carriers.txt

backup: $(RUN) ## Write the whole database into dure.dump (FILE=path for another file)
	@$(DURE) db backup $(or $(FILE),dure.dump)

clean: ## Remove what was built, the virtual environment and the test database; your data in .dure stays
	@if [ -x $(PY) ] && [ -d .dure-test ]; then DURE_HOME=.dure-test $(DURE) db stop >/dev/null 2>&1 || true; fi
	rm -rf .venv .dure-test build dist test-results .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find src tests benchmarks scripts -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

$(VENV): scripts/setup.sh
	@scripts/setup.sh venv
	@touch $@

$(RUN): $(VENV) requirements/run.txt requirements/carriers.txt pyproject.toml
	@scripts/setup.sh run
	@touch $@

$(DEV): $(VENV) requirements/dev.txt requirements/carriers.txt pyproject.toml
	@scripts/setup.sh dev
	@touch $(RUN) $@

$(PEERS): $(DEV) requirements/bench.txt
	@scripts/setup.sh peers
	@touch $@

$(SPARK): $(DEV) requirements/spark.txt
	@scripts/setup.sh spark
	@touch $@

$(CHROMIUM): $(DEV)
	@scripts/setup.sh chromium
