#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random trees split over several sources, copied by syncline and by rsync: both must make the same of them.

    several_sources.py PROGRAM [SEEDS [FIRST_SEED]]

Every seed is one scenario: two or three directories, given with or without a slash, sometimes a single file between
them, are edited at random and copied with --delete two to four times over. rsync makes its copy anew each time, so it
has no history; syncline has one, edits in its destination and losses of its state. Each run is followed by one that must find nothing to do.
Seeds are printed with every failure and the trees of a failed one are kept; SYNCLINE_RANDOM_SEEDS and
SYNCLINE_RANDOM_FIRST override SEEDS (default 40) and FIRST_SEED."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from random_trees import FAILURES_MAX, RUN_SECONDS_MAX, Editor, difference, snapshot


def run(command):
    return subprocess.run(command, capture_output=True, timeout=RUN_SECONDS_MAX)


def age(root):
    """rsync leaves a time alone that is right to the second: what was made just now is to be older."""
    recent = time.time_ns() - 10 * 10**9
    for directory, subdirs, names in os.walk(os.fsencode(root)):
        for path in [directory] + [os.path.join(directory, name) for name in subdirs + names]:
            at = os.lstat(path).st_mtime_ns
            if at > recent:
                os.utime(path, ns=(at, at - 100 * 10**9), follow_symlinks=False)


def failure(what, done):
    return f"{what}: exit {done.returncode}: {(done.stdout + done.stderr).decode(errors='replace')[-600:]}"


class Scenario:
    def __init__(self, program, seed, root):
        self.rng = random.Random(seed)
        self.program, self.root = program, root
        self.target, self.state = os.path.join(root, "target"), os.path.join(root, "state")
        self.dirs = [os.path.join(root, name) for name in ("s1/d1", "s2/d1", "s3/d2")[:self.rng.randint(2, 3)]]
        for path in self.dirs:
            os.makedirs(path)
        self.sources = [path + self.rng.choice(["/", "/", ""]) for path in self.dirs]
        self.has_contents = any(source.endswith("/") for source in self.sources)
        if self.rng.random() < 0.4:
            file = os.path.join(root, "f1")
            with open(file, "wb") as out:
                out.write(b"a file of its own")
            self.sources.insert(self.rng.randint(0, len(self.sources)), file)
        self.editor = Editor(self.rng, stealth=False, renames=True)

    def edit(self):
        for path in self.dirs:
            for _ in range(self.rng.randint(0, 15)):
                self.editor.edit(path)
        # What the sources have in common: hard links and moves from one to the other.
        one, other = self.rng.sample(self.dirs, 2)
        for _ in range(self.rng.randint(0, 3)):
            files = [os.path.join(directory, name) for directory, _, names in os.walk(one) for name in names]
            if not files:
                return
            path = self.rng.choice(files)
            name = os.path.join(other, self.rng.choice(["a", "b", "c", "f1"]))
            if not os.path.lexists(name):
                self.rng.choice([os.link, os.rename])(path, name)

    def copy(self, where, *options):
        done = run([self.program, "copy", "--delete", "--state", self.state, "-i", *options, *self.sources, self.target + "/"])
        return done, failure(f"{where} of {self.sources}", done) if done.returncode else None

    def turn(self, number):
        self.edit()
        for path in self.dirs:
            age(path)
        if number and self.has_contents and self.rng.random() < 0.4:
            for _ in range(self.rng.randint(1, 4)):
                self.editor.edit(self.target)
        if self.rng.random() < 0.15:
            shutil.rmtree(self.state, ignore_errors=True)
        expected = os.path.join(self.root, "expected")
        shutil.rmtree(expected, ignore_errors=True)
        # All names are sorted as one list: so rsync, too, merges a directory that stands against a file elsewhere.
        done = run(["rsync", "-aHAX", "--no-inc-recursive", *self.sources, expected + "/"])
        if done.returncode:
            return failure("rsync", done)
        _, wrong = self.copy(f"run {number}")
        if wrong:
            return wrong
        before, after = snapshot(expected), snapshot(self.target)
        if not self.has_contents:
            del before["mtime of the root"], after["mtime of the root"]
        if before != after:
            return f"run {number} of {self.sources}: not equal, rsync | syncline:\n{difference(before, after)}"
        again, wrong = self.copy(f"second run {number}")
        if wrong or again.stdout:
            return wrong or f"second run {number} of {self.sources} changed:\n{again.stdout.decode(errors='replace')}"
        return None

    def play(self):
        for number in range(self.rng.randint(2, 4)):
            wrong = self.turn(number)
            if wrong:
                return wrong
        return None


def main(program, seeds=40, first=1):
    seeds = int(os.environ.get("SYNCLINE_RANDOM_SEEDS", seeds))
    first = int(os.environ.get("SYNCLINE_RANDOM_FIRST", first))
    print(f"seeds {first} to {first + seeds - 1}", flush=True)
    scratch = tempfile.mkdtemp(prefix="syncline-several-")
    failures = 0
    for seed in range(first, first + seeds):
        root = os.path.join(scratch, str(seed))
        os.mkdir(root)
        try:
            wrong = Scenario(program, seed, root).play()
        except subprocess.TimeoutExpired:
            wrong = f"no end after {RUN_SECONDS_MAX} s"
        if wrong is None:
            shutil.rmtree(root)
            continue
        failures += 1
        print(f"FAILED seed {seed} (kept in {root}), {wrong}", flush=True)
        if failures == FAILURES_MAX:
            break
    if not failures:
        shutil.rmtree(scratch)
    print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2], *map(int, sys.argv[2:4])))
