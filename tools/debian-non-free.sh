# shellcheck shell=bash
# Sourced by tools/fetch-*.sh: libraries of NVIDIA's from Debian's non-free component, without touching this machine's apt.

# fetch_libraries NAME PATTERN PACKAGE...: puts the files of the packages that match PATTERN into a cache folder of that name,
# once, and prints the folder. apt works on private lists: the machine's own configuration is neither read nor changed.
# RESNET_NO_INSTALL=1, or no Debian: says so on stderr and ends with 1.
fetch_libraries() {
    local name=$1 pattern=$2 folder=${XDG_CACHE_HOME:-$HOME/.cache}/cudnnresnet/$1 apt
    shift 2
    if compgen -G "$folder/$pattern" >/dev/null; then
        echo "$folder"
        return 0
    fi
    if [[ ${RESNET_NO_INSTALL:-0} == 1 ]] || ! command -v apt-get >/dev/null || [[ ! -r /usr/share/keyrings/debian-archive-keyring.gpg ]]; then
        echo "fetch-$name: only done on Debian, and not with RESNET_NO_INSTALL=1" >&2
        return 1
    fi

    apt=$(mktemp -d)
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$apt'" EXIT
    mkdir -p "$apt"/{state/lists/partial,cache/archives/partial,parts,download}
    # One architecture: the libraries are built for x86-64 alone.
    echo 'deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm non-free' >"$apt/sources.list"
    touch "$apt/status"
    local options=(-q -o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status" -o "Dir::Cache=$apt/cache"
        -o "Dir::Etc::sourcelist=$apt/sources.list" -o "Dir::Etc::sourceparts=$apt/parts" -o APT::Sandbox::User=
        -o Acquire::Languages=none -o Acquire::Retries=1 -o Acquire::http::Timeout=20)
    {
        apt-get "${options[@]}" update && (cd "$apt/download" && apt-get "${options[@]}" download "$@")
    } >"$apt/log" 2>&1 || {
        echo "fetch-$name: the packages could not be had: $(tail -n 1 "$apt/log")" >&2
        return 1
    }
    local package
    for package in "$apt"/download/*.deb; do
        dpkg-deb -x "$package" "$apt/unpacked"
    done
    mkdir -p "$(dirname "$folder")"
    rm -rf "$folder.new.$$"
    mkdir "$folder.new.$$"
    find "$apt/unpacked" -name "$pattern" -exec cp -P {} "$folder.new.$$/" \;
    rm -rf "$folder"
    mv "$folder.new.$$" "$folder"
    echo "$folder"
}
