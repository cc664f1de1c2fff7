#!/usr/bin/env bash
# Puts a real NVRTC (11.8, which knows sm_90; no GPU needed) into a cache folder, from Debian's non-free component, and
# prints the folder. apt works on private lists: the machine's own configuration is neither read nor changed.
# RESNET_NO_INSTALL=1, or no Debian: says so on stderr and ends with 1.
set -euo pipefail

folder=${XDG_CACHE_HOME:-$HOME/.cache}/cudnnresnet/nvrtc
if compgen -G "$folder/libnvrtc.so*" >/dev/null; then
    echo "$folder"
    exit 0
fi
if [[ ${RESNET_NO_INSTALL:-0} == 1 ]] || ! command -v apt-get >/dev/null || [[ ! -r /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
    echo 'fetch-nvrtc: only done on Debian, and not with RESNET_NO_INSTALL=1' >&2
    exit 1
fi

apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,parts,download}
echo 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm non-free' >"$apt/sources.list"
touch "$apt/status"
options=(-q -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
    -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/parts" -o APT::Sandbox::User=
    -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
# One architecture: the libraries are built for x86-64 alone.
{
    apt-get "${options[@]}" update
    cd "$apt/download"
    apt-get "${options[@]}" download libnvrtc11.2 libnvrtc-builtins11.8
} >"$apt/log" 2>&1 || {
    echo "fetch-nvrtc: the packages could not be had: $(tail -n 1 "$apt/log")" >&2
    exit 1
}
for package in "$apt"/download/*.deb; do
    dpkg-deb -x "$package" "$apt/unpacked"
done
mkdir -p "$(dirname "$folder")"
rm -rf "$folder.new.$$"
mkdir "$folder.new.$$"
find "$apt/unpacked" -name 'libnvrtc*.so*' -exec cp -P {} "$folder.new.$$/" \;
rm -rf "$folder"
mv "$folder.new.$$" "$folder"
echo "$folder"
