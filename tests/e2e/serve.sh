#!/bin/sh
# The serve command as scripts use it.
# Usage: serve.sh PROGRAM
set -eu
program=$1
dir=$(mktemp -d)
pid=
trap 'test -z "$pid" || kill "$pid" 2>/dev/null || :; rm -rf "$dir"' EXIT

fail() {
    echo "serve.sh: $1" >&2
    exit 1
}

for signal in INT TERM USR1; do
    rm -f "$dir/port"
    "$program" serve --port-file "$dir/port" --log "$dir/log" --seed 3 >"$dir/out" &
    pid=$!
    tries=0
    until [ -s "$dir/port" ]; do
        tries=$((tries + 1))
        [ $tries -le 200 ] || fail "no port file"
        sleep 0.05
    done
    url="http://127.0.0.1:$(cat "$dir/port")/"
    curl -sSf -o "$dir/page" "${url}article/1" || fail "no article"
    grep -q '<h1' "$dir/page" || grep -q '<H1' "$dir/page" || fail "no title in the article"
    kill -s $signal $pid
    code=0
    wait $pid || code=$?
    pid=
    [ $code -eq 0 ] || fail "exit code $code after $signal"
    [ "$(cat "$dir/out")" = "serving on $url" ] || fail "announced $(cat "$dir/out")"
    [ "$(grep -c '	/article/1	' "$dir/log")" -eq 2 ] || fail "the log lacks a line"
done

for wrong in --port=65536 --port=-1 --latency=x --articles= --bogus --address=localhost argument --tls-key=x; do
    code=0
    "$program" serve "$wrong" >"$dir/out" 2>"$dir/err" || code=$?
    [ $code -eq 2 ] || fail "exit code $code for $wrong"
    [ -s "$dir/err" ] || fail "silent about $wrong"
done
"$program" serve --help | grep -q -- --port-file || fail "no help"
