#!/bin/bash
# Installs what is missing, builds, runs every test, and says how many passed: the last line is "N passed, N failed".
#
#   tests/run.sh                 everything
#   CTEST_ARGS='-R fetch' tests/run.sh    what ctest's own options choose
#
# The release build, with warnings as errors, runs all tests; those of units and the simulation run again under
# AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
# shellcheck source-path=SCRIPTDIR
# shellcheck source=../jobs/setup.sh
. jobs/setup.sh

jobs=$(nproc)
passed=0
failed=0
read -r -a chosen <<<"${CTEST_ARGS:-}"

# A step that is no test but without which tests are missing counts as one that failed.
must() {
    echo "== $*"
    "$@" && return 0
    echo "== failed: $*" >&2
    failed=$((failed + 1))
    return 1
}

build() {
    local preset=$1
    shift
    must cmake --preset "$preset" -DBUILD_TESTING=ON "$@" && must cmake --build --preset "$preset" -j "$jobs"
}

# run_tests PRESET CTEST_OPTION...: adds up what ctest says.
run_tests() {
    local log="build/$1/ctest.log" summary
    local pattern='^[0-9]+% tests passed, ([0-9]+) tests failed out of ([0-9]+)$'
    echo "== tests of the $1 build: ctest ${*:2}"
    ctest --test-dir "build/$1" --output-on-failure "${@:2}" "${chosen[@]}" 2>&1 | tee "$log"
    local code=${PIPESTATUS[0]}
    summary=$(grep -E "$pattern" "$log" | tail -n 1)
    if [[ $summary =~ $pattern ]]; then
        failed=$((failed + BASH_REMATCH[1]))
        passed=$((passed + BASH_REMATCH[2] - BASH_REMATCH[1]))
    elif [ "$code" -ne 0 ] || [ ${#chosen[@]} -eq 0 ]; then # ctest could not even begin, or found no tests
        failed=$((failed + 1))
    fi
}

main() {
    must install_packages build run test
    if build release -DMILLRACE_WERROR=ON; then
        run_tests release -LE e2e -j "$jobs"
        run_tests release -L e2e -j 2 # the most of them are serial
    fi
    # What LeakSanitizer would find in MPI and OpenMP is not ours, but the unit tests use neither of them for long.
    if build asan; then
        run_tests asan -L unit -j "$jobs"
    fi
    if build tsan; then
        run_tests tsan -L unit -j "$jobs"
    fi
    echo
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

main
