#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Copies beside cp, tar and rsync: copy_bench.py SYNCLINE [DIR]

Makes a tree of small files and one large file in DIR (default: a temporary directory), then times, taking
turns, `syncline copy` and the tools that people have for the same. Prints medians and ratios; fails only
when a copy does. Half a minute; figures of real data are in docs/benchmarks.md.
"""
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 3
SMALL_FILES = 4000
SMALL_BYTES_MEAN = 12_000
LARGE_BYTES = 192 << 20


def make_data(root):
    rng = random.Random(1)
    text = rng.randbytes(1 << 20).hex().encode()
    for number in range(SMALL_FILES):
        directory = os.path.join(root, "tree", f"d{number % 80:02}")
        os.makedirs(directory, exist_ok=True)
        size = min(int(rng.expovariate(1 / SMALL_BYTES_MEAN)), len(text) // 2)
        start = rng.randrange(len(text) - size)
        with open(os.path.join(directory, f"f{number}"), "wb") as out:
            out.write(text[start : start + size])
    os.mkdir(os.path.join(root, "large"))
    with open(os.path.join(root, "large", "file"), "wb") as out:
        for _ in range(LARGE_BYTES >> 20):
            out.write(rng.randbytes(1 << 20))


def timed(command, **options):
    begun = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)
    return time.monotonic() - begun


def compare(title, root, fresh, commands):
    """Times each of `commands`, name to argument list; with `fresh` the target and the state are removed before."""
    taken = {name: [] for name in commands}
    for _ in range(ROUNDS):
        for name, command in commands.items():
            if fresh:
                for old in ("target", "state"):
                    shutil.rmtree(os.path.join(root, old), ignore_errors=True)
                os.mkdir(os.path.join(root, "target"))
                os.sync()
            taken[name].append(timed(command, cwd=root, shell=isinstance(command, str)))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    ours = medians["syncline"]
    print(title)
    for name, seconds in medians.items():
        print(f"  {name:<24} {seconds * 1000:8.0f} ms    syncline / this {ours / seconds:5.2f}")


def main(program, parent=None):
    program = os.path.abspath(program)
    root = tempfile.mkdtemp(prefix="syncline-bench-", dir=parent)
    try:
        make_data(root)
        copy = [program, "copy", "--state", "state"]
        rsync = shutil.which("rsync")
        for durability in ("none", "batch"):
            commands = {"syncline": [*copy, f"--durability={durability}", "tree/", "target/"]}
            if rsync:
                commands["rsync -a"] = [rsync, "-a", "tree/", "target/"]
            commands["tar | tar"] = "tar -C tree -cf - . | tar -C target -xf -"
            compare(f"{SMALL_FILES} small files, first copy, --durability={durability}", root, True, commands)
        subprocess.run([*copy, "tree/", "target/"], cwd=root, check=True)
        commands = {"syncline": [*copy, "tree/", "target/"]}
        if rsync:
            commands["rsync -an"] = [rsync, "-an", "tree/", "target/"]
        compare("the same again, nothing changed", root, False, commands)
        commands = {
            "syncline": [*copy, "--durability=none", "large/", "target/"],
            "cp --reflink=never": ["cp", "--reflink=never", "large/file", "target/"],
        }
        compare(f"one file of {LARGE_BYTES >> 20} MiB, first copy, --durability=none", root, True, commands)
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    main(*sys.argv[1:3])
