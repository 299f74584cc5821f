# SPDX-License-Identifier: Apache-2.0
"""What tests of `syncline watch` have in common."""
import os
import re
import signal
import subprocess

from processes import PATIENCE_S, check, wait_until


def picture(top):
    """Of a tree: type, mode, content or target of every entry, by path. Changes under way may be in it."""
    out = {}
    for path, dirs, files in os.walk(top):
        for name in dirs + files:
            full = os.path.join(path, name)
            relative = os.path.relpath(full, top)
            if relative.split("/")[0] == ".syncline":
                continue
            try:
                mode = os.lstat(full).st_mode
                if os.path.islink(full):
                    out[relative] = os.readlink(full)
                elif os.path.isdir(full):
                    out[relative] = mode
                else:
                    with open(full, "rb") as file:
                        out[relative] = (mode, file.read())
            except FileNotFoundError:
                out[relative] = None
    return out


class Scene:
    """Two machines on one, `here` and `there`, each with a home of its own; everything lies below `root`."""

    def __init__(self, program, root):
        self.program = program
        self.root = root
        os.makedirs(self.path("src/sub"))
        self.started = []

    def path(self, name):
        return os.path.join(self.root, name)

    def environment(self, who):
        out = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        return out | {"HOME": self.path(who), "XDG_CONFIG_HOME": self.path(who + "/config"),
                      "XDG_STATE_HOME": self.path(who + "/state")}

    def start(self, who, log, *args):
        with open(self.path(log), "a") as file:
            process = subprocess.Popen([self.program, *args], env=self.environment(who), stdout=file, stderr=file, cwd=self.root)
        self.started.append(process)
        return process

    def run(self, who, *args, code=0):
        """`code`: the exit code that it must have; None: any."""
        done = subprocess.run([self.program, *args], env=self.environment(who), capture_output=True, text=True, cwd=self.root,
                              timeout=300)
        check(code is None or done.returncode == code, f"{args}: exit {done.returncode}, not {code}: {done.stderr}{done.stdout}")
        return done

    def write(self, name, content="x"):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(content)

    def text(self, name):
        if not os.path.exists(self.path(name)):
            return ""
        with open(self.path(name), errors="replace") as file:
            return file.read()

    def wait_equal(self, left, right, text):
        wait_until(lambda: picture(self.path(left)) == picture(self.path(right)), f"{left} and {right} are equal {text}")

    def serve(self, port=0, directory="shared", state="server"):
        """Returns the process and its port. Its log is named after its state."""
        seen = len(self.listening(state))
        server = self.start("there", state + ".log", "serve", "--state", self.path(state), self.path(directory), "--listen",
                            f"127.0.0.1:{port}")

        def listens():
            check(server.poll() is None, "the server runs: " + self.text(state + ".log"))
            return len(self.listening(state)) > seen
        wait_until(listens, "the server listens")
        return server, int(self.listening(state)[-1])

    def listening(self, state):
        return re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.text(state + ".log"))

    def pair(self, url, state="server"):
        wait_until(lambda: "syncline pair" in self.text(state + ".log"), "what to type is printed")
        self.run("here", "pair", url, re.search(r"syncline pair \S+ (\S+)", self.text(state + ".log")).group(1))

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        # 20 where it comes in the middle of a copy, such as one that looks at what happened in DST.
        check(process.wait(PATIENCE_S) in (0, 20), f"the end by a signal: exit {process.returncode}")

    def end_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()
