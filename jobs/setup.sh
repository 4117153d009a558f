# Sourced by the scripts that need packages: install_packages GROUP... installs what is missing of those groups of
# jobs/packages.txt (Debian and its relatives).
# shellcheck shell=bash

install_packages() {
    local list groups missing=() package
    list=$(dirname "${BASH_SOURCE[0]}")/packages.txt
    groups=" $* "
    while read -r group package; do
        [ "${groups/ $group /}" != "$groups" ] || continue # comments too
        dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
    done <"$list"
    [ ${#missing[@]} -gt 0 ] || return 0
    echo "Installing ${missing[*]}" >&2
    local as_root=()
    [ "$(id -u)" -eq 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -q >&2
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >&2
}
