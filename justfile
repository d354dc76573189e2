# Recipes are one line wherever possible, so that they can be typed without just as well.

set positional-arguments := true

# Show this list
[private]
default:
    @just --list --unsorted

# Try the migrations on a copy, back the database up and bring it to the newest schema, and create it where there is none; also `just migrate status`, `plan`, `rehearse`, `down`
migrate *ARGS='up':
    cargo run --quiet -p fieldfen-migrate --bin fieldfen-migrate -- "$@"

# Back the database up while programs are at work on it; also `just backup run [--dir FOLDER] [--keep DAYS]`
backup *ARGS='run':
    @cargo run --quiet -p fieldfen-backup --bin fieldfen-backup -- "$@" || { code=$?; [ $code -ne 3 ] || echo 'To create the database, run: just migrate' >&2; exit $code; }

# See and repair the state of the shop: `just fieldfen files list`, `just fieldfen --help`
fieldfen *ARGS:
    @cargo run --quiet -p fieldfen-cli --bin fieldfen -- "$@"

# Take a folder of pictures from ingest to a catalogue (the sample pictures without a folder)
pipeline *ARGS:
    cargo run --quiet --example pipeline -- "$@"

# Run the tests that need nothing but Rust; arguments go to cargo test
test *ARGS:
    cargo test --workspace "$@"

# Run the tests that need Python, npm packages or root, as CI does; what cannot run here is left out and named
test-ignored *ARGS:
    .ci/test-ignored "$@"

# Run the criterion benchmarks; arguments go to criterion
bench *ARGS:
    cargo bench -p fieldfen-benches "$@"

# Measure the job engine against raw SQLite, and say which figures fall short
report *ARGS:
    cargo run --quiet --release -p fieldfen-benches --bin report -- "$@"

# Trace the writes of four processes, and say what the longest ones waited for: `just trace-writes [--full] [--milliseconds N]`
trace-writes *ARGS:
    cargo run --quiet --release -p fieldfen-benches --bin report -- trace-writes "$@"

# Write the schema file of the persistence crate anew from the migrations (needs diesel_cli)
schema:
    #!/usr/bin/env bash
    set -euo pipefail
    place=$(mktemp -d)
    trap 'rm -r "$place"' EXIT
    cargo run --quiet -p fieldfen-migrate --bin fieldfen-migrate -- up --quiet --database "$place/schema.db"
    diesel print-schema --database-url "$place/schema.db" > "$place/schema.rs"
    cp "$place/schema.rs" crates/fieldfen-persistence/src/sqlite/schema.rs

# Write migrations/migrations.sum anew, the digests of all migrations
migrations-sum:
    FIELDFEN_WRITE_MIGRATIONS_SUM=1 cargo test --quiet -p fieldfen-persistence --lib the_embedded_migrations_are_those_of_the_folder

# Record the statements of older programs anew, which each migration must let work (needs Python 3 with tests/python/requirements.txt)
record-statements:
    "${FIELDFEN_PYTHON:-python3}" tests/python/record_statements.py crates/fieldfen-migrate/compat/specification.sql
    FIELDFEN_RECORD_STATEMENTS=1 cargo test --quiet -p fieldfen-migrate --test store_statements

# Read 10,000,000 random answers of web APIs (FIELDFEN_READER_CASES and FIELDFEN_SEED set the number and the first seed)
fuzz-readers:
    FIELDFEN_READER_CASES="${FIELDFEN_READER_CASES:-10000000}" \
    cargo test --release -p fieldfen-rate-limits --test it -- --nocapture random_answers

# Do what CI does
ci:
    bash .ci/run

# Run the long randomised tests, also those with Python and npm: more kills, more jobs, more random runs (STRESS.md lists the variables that set sizes and seeds)
stress:
    seed=$(date +%s); \
    FIELDFEN_SEED="${FIELDFEN_SEED:-$seed}" \
    FIELDFEN_PIPELINE_SEED="${FIELDFEN_PIPELINE_SEED:-$seed}" \
    FIELDFEN_PUBLISH_SEED="${FIELDFEN_PUBLISH_SEED:-$seed}" \
    PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-$seed}" \
    FIELDFEN_PIPELINE_KILLS="${FIELDFEN_PIPELINE_KILLS:-300}" \
    FIELDFEN_KILLS="${FIELDFEN_KILLS:-2000}" \
    FIELDFEN_WORKER_KILLS="${FIELDFEN_WORKER_KILLS:-1000}" \
    FIELDFEN_WORKER_STOPS="${FIELDFEN_WORKER_STOPS:-200}" \
    FIELDFEN_STOPS="${FIELDFEN_STOPS:-200}" \
    FIELDFEN_JOBS="${FIELDFEN_JOBS:-100000}" \
    FIELDFEN_FOREIGN_JOBS="${FIELDFEN_FOREIGN_JOBS:-5000}" \
    FIELDFEN_WEBHOOKS="${FIELDFEN_WEBHOOKS:-1000}" \
    FIELDFEN_DELIVERIES="${FIELDFEN_DELIVERIES:-10}" \
    FIELDFEN_WEBHOOK_KILLS="${FIELDFEN_WEBHOOK_KILLS:-200}" \
    FIELDFEN_PUBLISH_RUNS="${FIELDFEN_PUBLISH_RUNS:-20000}" \
    FIELDFEN_TRACES="${FIELDFEN_TRACES:-3000}" \
    FIELDFEN_ROUND_TRIPS="${FIELDFEN_ROUND_TRIPS:-5000}" \
    FIELDFEN_LIMITED_JOBS="${FIELDFEN_LIMITED_JOBS:-20000}" \
    FIELDFEN_LIMIT_KILLS="${FIELDFEN_LIMIT_KILLS:-500}" \
    FIELDFEN_WHY_CHECKS="${FIELDFEN_WHY_CHECKS:-20000}" \
    FIELDFEN_BUDGET_CALLS="${FIELDFEN_BUDGET_CALLS:-20000}" \
    FIELDFEN_READER_CASES="${FIELDFEN_READER_CASES:-10000000}" \
    FIELDFEN_BULK_JOBS="${FIELDFEN_BULK_JOBS:-100000}" \
    FIELDFEN_BULK_KILLS="${FIELDFEN_BULK_KILLS:-50}" \
    FIELDFEN_PROGRAM_JOBS="${FIELDFEN_PROGRAM_JOBS:-1000}" \
    FIELDFEN_PROGRAM_KILLS="${FIELDFEN_PROGRAM_KILLS:-100}" \
    FIELDFEN_HOSTILE_SHOPS="${FIELDFEN_HOSTILE_SHOPS:-100}" \
    FIELDFEN_INGEST_FILES="${FIELDFEN_INGEST_FILES:-100000}" \
    FIELDFEN_MIGRATE_KILLS="${FIELDFEN_MIGRATE_KILLS:-100}" \
    FIELDFEN_MIGRATE_MIB="${FIELDFEN_MIGRATE_MIB:-200}" \
    FIELDFEN_ADOPT_KILLS="${FIELDFEN_ADOPT_KILLS:-20}" \
    FIELDFEN_ADOPT_MIB="${FIELDFEN_ADOPT_MIB:-20}" \
    .ci/stress
