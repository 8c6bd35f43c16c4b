#!/bin/sh
# Prepares what a make target needs: `setup.sh venv|run|dev|peers|spark|chromium`. Called by the Makefile, which remembers what is done.
set -eu
cd "$(dirname "$0")/.."
VENV=.venv
PY=$VENV/bin/python

say() { printf '\n▸ %s\n' "$*"; }
fail() { printf '\n✗ %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
as_root_on_debian() { [ "$(id -u)" = 0 ] && have apt-get; }
recent_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
installable() { recent_enough "$PY" && { "$PY" -m pip --version >/dev/null 2>&1 || have uv; }; }

find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if have "$name" && recent_enough "$name"; then command -v "$name"; return; fi
    done
}

debian() { # PACKAGE... from Debian, quietly unless it fails
    say "Debian: $*"
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        return 1
    fi
    rm -f "$log"
}

make_venv() {
    installable && return
    python=$(find_python)
    [ -n "$python" ] || fail "Python 3.11 이상이 필요해요. 설치한 뒤 다시 실행해 주세요. · Dure needs Python 3.11 or newer: install it and run this again."
    say "가상 환경을 만들어요 · Making a virtual environment with $("$python" --version)"
    # Debian ships Python without the part that puts pip into a virtual environment.
    if "$python" -c 'import ensurepip' 2>/dev/null && "$python" -m venv --clear $VENV && installable; then return; fi
    if have uv && uv venv --quiet --clear --python "$python" $VENV && installable; then return; fi
    if have virtualenv && virtualenv --quiet --clear --python "$python" $VENV && installable; then return; fi
    version=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if as_root_on_debian && debian "$version" && "$python" -m venv --clear $VENV && installable; then return; fi
    fail "가상 환경을 만들 수 없어요. 관리자로 'apt install python3-venv'를 하거나 uv를 설치한 뒤 다시 실행해 주세요. · No virtual environment can be made: run 'apt install python3-venv' as root or install uv, then run this again."
}

install() { # pip's own options and files; uv does the same in a tenth of the time where it is there
    if have uv && uv pip install --python $PY "$@"; then return; fi
    "$PY" -m pip install --disable-pip-version-check --no-input "$@"
}

install_lock() { # LOCK
    say "$1 설치 · Installing $1"
    install --require-hashes -r "requirements/$1"
}

install_run() {
    install_lock "$1"
    install --require-hashes --no-deps -r requirements/carriers.txt
    install --no-build-isolation --no-deps -e .
}

find_chromium() {
    for candidate in "${DURE_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
        if [ -n "$candidate" ] && have "$candidate"; then command -v "$candidate"; return; fi
    done
    "$PY" -c 'from playwright.sync_api import sync_playwright as s
with s() as p: print(p.chromium.executable_path)' 2>/dev/null | while read -r path; do if [ -x "$path" ]; then printf '%s\n' "$path"; fi; done
}

prepare_chromium() {
    path=$(find_chromium)
    if [ -z "$path" ] && as_root_on_debian; then debian chromium fonts-nanum && path=$(find_chromium); fi
    if [ -z "$path" ]; then
        say "Chromium"
        "$PY" -m playwright install chromium && path=$(find_chromium)
    fi
    [ -n "$path" ] || fail "시험에 쓸 Chromium을 찾을 수 없어요. 설치하거나 DURE_CHROMIUM에 그 경로를 넣어 주세요. · The tests need Chromium: install it, or put its path into DURE_CHROMIUM."
    printf '%s\n' "$path" >$VENV/chromium
}

case ${1:-} in
venv) make_venv ;;
run) install_run run.txt ;;
dev) install_run dev.txt ;;
peers) install_lock bench.txt ;;
spark) install_lock spark.txt ;;
chromium) prepare_chromium ;;
*) fail "usage: $0 venv|run|dev|peers|spark|chromium" ;;
esac
