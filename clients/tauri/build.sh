#!/bin/sh
# Builds the page and the app, when something has changed. `--target-dir`, so that no setting of
# the caller moves the program away from where its manifests expect it.
set -e
cd "$(dirname "$0")"
node build.mjs
exec cargo build --release --locked --target-dir target
