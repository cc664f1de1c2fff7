#!/usr/bin/env bash
# Puts NVIDIA's own driver library into a cache folder and prints the folder: where there is no GPU, it answers "no device".
set -euo pipefail

source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/debian-non-free.sh"
fetch_libraries libcuda 'libcuda.so*' libcuda1
