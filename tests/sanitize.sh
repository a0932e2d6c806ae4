#!/usr/bin/env bash
# Run tests with the compiled extension under AddressSanitizer and UndefinedBehaviorSanitizer.
#
#     tests/sanitize.sh [pytest arguments]
#
# Without arguments it runs the tests that exercise native code. It needs GCC with libasan and
# libubsan (Debian: g++, libc6-dev) and uses the `python` of the active environment, or $PYTHON.
# The extension is built in a temporary copy of the project, which is removed afterwards.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
python=$(realpath -s "$(command -v "${PYTHON:-python}")")
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

cp -r "$root/fuzzydict" "$root/tests" "$root/data" "$root/docs" "$root/README.md" \
    "$root/setup.cfg" "$root/pyproject.toml" "$copy"
cd "$copy"
rm -f fuzzydict/_native.cpp fuzzydict/_native.*.so
"$python" -m cython -3 --cplus fuzzydict/_native.pyx
g++ -std=c++17 -Ifuzzydict -shared -fPIC -O1 -g -fno-omit-frame-pointer -fno-trapping-math -ffp-contract=off \
    -fsanitize=address,undefined -fno-sanitize-recover=undefined \
    "-I$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')" \
    fuzzydict/_native.cpp \
    -o "fuzzydict/_native$("$python" -c 'import sysconfig; print(sysconfig.get_config_var("EXT_SUFFIX"))')"

if [ $# = 0 ]; then
    set -- tests/test_implementations.py tests/test_ranker.py tests/test_bad_input.py tests/test_adversarial.py \
        tests/test_threads.py tests/test_mapping.py
fi
# CPython frees little at exit, so leaks are not reported; its own allocator would hide errors.
export PYTHONPATH=$copy PYTHONMALLOC=malloc PYTHONFAULTHANDLER=1
export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1
LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
    "$python" -m pytest -p no:cacheprovider -n 0 -q "$@"
