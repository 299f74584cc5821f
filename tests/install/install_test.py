#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs into a scratch directory, compiles example.cpp against what is there, and runs it:
install_test.py BUILD_DIR EXAMPLE_CPP MESON COMPILER..."""
import filecmp
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def run(command, **options):
    print("+", " ".join(map(str, command)), flush=True)
    return subprocess.run(command, check=True, text=True, **options)


def equal_trees(left, right):
    comparison = filecmp.dircmp(left, right)
    same = not (comparison.left_only or comparison.right_only or comparison.diff_files or comparison.funny_files)
    return same and all(equal_trees(left / name, right / name) for name in comparison.common_dirs)


def main(build, example, meson, *compiler):
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="syncline-install-"))
    try:
        prefix = scratch / "root"
        run([meson, "install", "-C", build, "--no-rebuild", "--quiet", "--tags", "devel,runtime"],
            env=os.environ | {"DESTDIR": str(prefix)})
        pc_dir = next(prefix.rglob("syncline.pc")).parent
        headers = sorted(path.name for path in next(prefix.rglob("include/syncline")).iterdir())
        assert "copy.hpp" in headers and "version.hpp" in headers, headers
        library_dir = next(prefix.rglob("libsyncline.so")).parent
        flags = run(
            ["pkg-config", "--cflags", "--libs", "syncline"], stdout=subprocess.PIPE,
            env=os.environ | {"PKG_CONFIG_LIBDIR": str(pc_dir), "PKG_CONFIG_SYSROOT_DIR": str(prefix)}).stdout.split()
        program = scratch / "example"
        run([*compiler, "-std=c++20", "-Wall", "-Werror", example, *flags, "-o", program])

        source, target, home = scratch / "source", scratch / "target", scratch / "home"
        (source / "below").mkdir(parents=True)
        (source / "a.txt").write_text("first\n")
        (source / "below" / "b.bin").write_bytes(bytes(range(256)) * 1000)
        home.mkdir()
        environment = os.environ | {
            "LD_LIBRARY_PATH": str(library_dir), "HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
        for change in (None, "second\n"):
            if change:
                (source / "a.txt").write_text(change)
            run([program, f"{source}/", target], env=environment)
            assert equal_trees(source, target), "the directories differ"
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    print("installed, compiled, in step")


if __name__ == "__main__":
    main(*sys.argv[1:])
