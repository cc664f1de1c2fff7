#!/usr/bin/env bash
# Puts a real NVRTC (11.8, which knows sm_90; no GPU needed) into a cache folder and prints the folder.
set -euo pipefail

source "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/debian-non-free.sh"
fetch_libraries nvrtc 'libnvrtc*.so*' libnvrtc11.2 libnvrtc-builtins11.8
