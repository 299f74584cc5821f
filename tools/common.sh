# SPDX-License-Identifier: Apache-2.0
# Shared by the scripts in tools/ and .ci/; sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '== %s\n' "$*" >&2; }
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# Two jobs at least: compilers wait for disks too.
job_count() {
  local count
  count=$(nproc 2>/dev/null || echo 2)
  echo $((count > 2 ? count : 2))
}

# configure BUILD_DIR [meson setup arguments]: sets up or brings up to date, with ccache where
# it is installed. Packages are never fetched by the build itself.
configure() {
  local build=$1
  shift
  local launcher=''
  if command -v ccache >/dev/null && [[ "${CC:-} ${CXX:-}" != *ccache* ]]; then launcher='ccache '; fi
  local again=()
  if [ -f "$build/build.ninja" ]; then again=(--reconfigure); fi
  local log="$build.log"
  mkdir -p "$(dirname "$build")"
  if ! CC="$launcher${CC:-gcc}" CXX="$launcher${CXX:-g++}" \
    meson setup "${again[@]}" --wrap-mode=nodownload "$@" "$build" "$root" >"$log" 2>&1; then
    # A build directory of an older checkout may not be usable any more: once from nothing.
    if [ ${#again[@]} -gt 0 ]; then
      rm -rf "$build"
      configure "$build" "$@"
      return
    fi
    cat "$log" >&2
    die "configuring $build failed"
  fi
}

# run_tests BUILD_DIR [arguments of meson test]: runs, prints the counts as the last line.
# The array `runner` may hold a command to run the tests under.
runner=()
run_tests() {
  local build=$1 status=0
  shift
  rm -f "$build"/meson-logs/testlog.json
  "${runner[@]}" meson test -C "$build" --no-rebuild --print-errorlogs --num-processes "$(nproc)" "$@" </dev/null || status=$?
  "$root/tools/count-tests" "$build/meson-logs/testlog.json" || status=1
  return "$status"
}

# test_programs BUILD_DIR SUITE: the programs of its tests and what those depend on, as ninja names them.
test_programs() {
  meson introspect --tests --targets "$1" | python3 -c '
import json, os, sys
build = os.path.realpath(sys.argv[1])
suite = sys.argv[2]
known = json.load(sys.stdin)
files = {target["id"]: target["filename"] for target in known["targets"]}
for test in known["tests"]:
    if not any(one.split(":")[-1] == suite for one in test["suite"]):
        continue
    for program in [test["cmd"][0]] + [name for one in test["depends"] for name in files[one]]:
        print(os.path.relpath(os.path.realpath(program), build))
' "$1" "$2" | sort -u
}

# without_aslr COMMAND...: some kernels spread addresses wider than these sanitizers can map.
without_aslr() {
  if setarch "$(uname -m)" -R true 2>/dev/null; then
    setarch "$(uname -m)" -R "$@"
  else
    "$@"
  fi
}

# has_room DIR: may it be written to, and are 4 GiB free there?
has_room() {
  [ -d "$1" ] && [ -w "$1" ] && [ "$(df --output=avail -k "$1" | tail -n 1)" -ge $((4 * 1024 * 1024)) ]
}

leak_check_works() {
  local probe="$1/leak_probe"
  echo 'int main() {}' >"$probe.cpp"
  g++ -fsanitize=address "$probe.cpp" -o "$probe" && without_aslr "$probe" 2>/dev/null
}
