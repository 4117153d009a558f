# Sourced by the scripts that need packages: install_packages GROUP... installs what is missing of those groups of
# jobs/packages.txt (Debian and its relatives); build_program TREE makes TREE/build/release/src/millrace with them.
# shellcheck shell=bash

install_packages() {
    local list groups missing=() package
    list=$(dirname "${BASH_SOURCE[0]}")/packages.txt
    groups=" $* "
    while read -r group package; do
        [ "${groups/ $group /}" != "$groups" ] || continue # comments too
        # Any gnuplot will do, and this one would throw others out.
        [ "$package" != gnuplot-nox ] || ! command -v gnuplot >/dev/null || continue
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done <"$list"
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "Installing ${missing[*]}" >&2
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -q >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}

build_program() {
    install_packages build run
    (
        cd "$1" || exit
        [ -f build/release/CMakeCache.txt ] || cmake --preset release -DBUILD_TESTING=OFF
        cmake --build build/release --target millrace -j "$(nproc)"
    ) >&2
}
