# shellcheck shell=bash
# Sourced by ./resnet and ./test: installs the Debian packages that make the difference, where that is allowed.
# Never fails: what is missing is said, with what it costs, and the caller carries on.

has_library() {
    local ldconfig
    ldconfig=$(command -v ldconfig || echo /sbin/ldconfig)
    "$ldconfig" -p 2>/dev/null | grep -q "$1"
}

# install_package NAME COST
install_package() {
    local name=$1 cost=$2 as_root=() log
    if [[ -n ${RESNET_NO_INSTALL:-} ]]; then
        echo "resnet: package $name is missing and RESNET_NO_INSTALL is set; $cost" >&2
        return
    fi
    if ! command -v apt-get >/dev/null; then
        echo "resnet: $name is missing and there is no apt-get to install it with; $cost" >&2
        return
    fi
    if [[ $(id -u) != 0 ]]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            echo "resnet: package $name is missing (as root: apt-get install $name); $cost" >&2
            return
        fi
        as_root=(sudo -n)
    fi
    echo "resnet: installing the Debian package $name ..." >&2
    log=$(mktemp)
    # A failed update is not the end: the lists that are there may still name the package.
    "${as_root[@]}" apt-get -q -o DPkg::Lock::Timeout=120 update >"$log" 2>&1 </dev/null || true
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 \
            install -y --no-install-recommends "$name" >>"$log" 2>&1 </dev/null; then
        tail -n 3 "$log" >&2
        echo "resnet: apt-get could not install $name (its last words above); $cost" >&2
    fi
    rm -f "$log"
}

# What this release of Debian or Ubuntu calls oneDNN; the package lists may be empty before the first update.
onednn_package() {
    local release
    release=$(. /etc/os-release 2>/dev/null && echo "${ID:-}${VERSION_ID:-}")
    case $release in
        debian13*) echo libdnnl3.6 ;;
        ubuntu24.04 | ubuntu24.10) echo libdnnl3 ;;
        *) echo libdnnl2 ;;
    esac
}

ensure_onednn() {
    if ! has_library 'libdnnl\.so\.[23]'; then
        install_package "$(onednn_package)" 'without oneDNN the managed reference backend runs instead: the same results, many times slower'
    fi
}

# JPEG and PNG. What the packages are called differs, what they hold does not.
ensure_imaging() {
    local release jpeg=libturbojpeg0 png=libpng16-16 cost='without it image files cannot be read'
    release=$(. /etc/os-release 2>/dev/null && echo "${ID:-}${VERSION_ID:-}")
    case $release in ubuntu*) jpeg=libturbojpeg ;; esac
    case $release in debian13* | ubuntu24.04 | ubuntu24.10) png=libpng16-16t64 ;; esac
    has_library 'libturbojpeg\.so\.0' || install_package "$jpeg" "$cost"
    has_library 'libpng16\.so\.16' || install_package "$png" "$cost"
}

# The compilers are some hundred megabytes, so only ./resnet setup and ./test ask for them.
ensure_compilers() {
    local cost='without it the oneDNN backend runs without this project'"'"'s own kernels: the same results, slower'
    [[ $(uname -sm) == 'Linux x86_64' ]] || return 0
    command -v g++ >/dev/null || install_package g++ "$cost"
    command -v cmake >/dev/null || install_package cmake "$cost"
    [[ -f /usr/include/jpeglib.h ]] || install_package libjpeg-dev 'without it parts of JPEG images are decoded more slowly'
}
