# SPDX-License-Identifier: Apache-2.0
"""A source that is edited at random, a destination that follows it, and what is to be true in quiet moments."""
import json
import os
import random
import subprocess
import time

from cut_proxy import CutProxy
from live_edits import LiveEditor, what_differs
from processes import check, fail, wait_until
from watching import Scene

SEED = int(os.environ.get("SYNCLINE_TEST_SEED", random.randrange(1 << 30)))
WAIT_S = 60
# Random edits remove and rewrite what they like, in trees of a few dozen entries.
UNGUARDED = ["--max-delete=1000000", "--no-guard-changes", "--drift-keep=none"]
# Where nobody else touches the destination nothing is kept there either, and both sides are equal.
KEEPING = UNGUARDED[:2]


class Trial(Scene):
    """A source that is edited and a destination that follows it; where `is_far` the source is at the server."""

    def __init__(self, program, root, name):
        super().__init__(program, root)
        self.rng = random.Random(f"{SEED} {name}")
        self.editor = LiveEditor(self.rng, stealth=self.rng.random() < 0.3)
        self.to = "dst"
        self.is_far = False
        self.proxy = self.server = self.port = self.watch = None

    def serve_behind_proxy(self):
        self.server, self.port = self.serve(directory=self.shared())
        self.proxy = CutProxy(self.port)
        self.pair(f"syncline://127.0.0.1:{self.proxy.port}/")
        self.to = "dst" if self.is_far else "shared"

    def shared(self):
        return "src" if self.is_far else "shared"

    def serve_again(self):
        self.server, _ = self.serve(self.port, self.shared())

    def follow(self, *options):
        url = self.proxy and f"syncline://127.0.0.1:{self.proxy.port}/{self.shared()}/"
        places = (url, "dst/") if self.is_far else ("src/", url or "dst/")
        self.watch = self.start("here", "watch.log", "watch", *(options or UNGUARDED), *places)
        wait_until(self.can_be_asked, "the watch can be asked: " + self.text("watch.log"))

    def known_as(self):
        """The path here by which the watch is asked."""
        return "dst" if self.is_far else "src"

    def can_be_asked(self):
        check(self.watch.poll() is None, "the watch runs: " + self.text("watch.log")[-2000:])
        asked = subprocess.run([self.program, "status", self.known_as()], env=self.environment("here"), cwd=self.root, capture_output=True)
        return asked.returncode in (0, 40, 41)

    def edit(self, count):
        for _ in range(count):
            self.editor.edit(self.path("src"))

    def edit_for(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.edit(1)
            time.sleep(self.rng.random() * 0.03)

    def remove_large_ones(self):
        """Wherever the edits have brought them."""
        for path, _, names in os.walk(self.path("src")):
            for name in names:
                full = os.path.join(path, name)
                if os.lstat(full).st_size > 1_000_000:
                    os.unlink(full)

    def check_in_step(self, text):
        """By what `syncline wait` says, at once."""
        self.editor.let_go()
        waited = subprocess.run([self.program, "wait", "--timeout", str(WAIT_S), self.known_as()], env=self.environment("here"),
                                cwd=self.root, capture_output=True, text=True, errors="replace")
        if waited.returncode != 0:
            fail(f"{text}: wait ends with {waited.returncode}: {waited.stderr}{self.status_text()}\n" +
                 self.text("watch.log")[-2000:])
        differing = what_differs(self.path("src"), self.path(self.to))
        check(differing is None, f"{text}: not equal, source | destination:\n{differing}")

    def status(self):
        return json.loads(self.status_text("--json"))

    def status_text(self, *options):
        return subprocess.run([self.program, "status", *options, self.known_as()], env=self.environment("here"), cwd=self.root, capture_output=True,
                              text=True, errors="replace").stdout

    def end_all(self):
        self.editor.let_go()
        super().end_all()
        if self.proxy:
            self.proxy.close()
