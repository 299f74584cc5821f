#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client, a router and a server as three hosts in network namespaces, whose links are cut and restored.

    namespaces.py PROGRAM

A link that is cut in the middle of a file and comes back, a client whose address changes, packets that are lost, and a
client that is gone without a word. Everything lies in namespaces of this test's own, which go at its end. Where they may
not be made it ends with 77, which Meson takes for skipped."""
import filecmp
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.abspath(sys.argv[1])
PATIENCE_S = 40
IDLE_S = 5  # the server lets go of who is silent for so long
RATE = 20_000_000
FILE_BYTES = 50_000_000
CUT_AT_BYTES = 12_000_000
# What may be sent twice: a queue of a connection, and what is in the kernel's buffers on the way.
REPEATED_BYTES_MAX = 20_000_000
SKIPPED = 77


def fail(text):
    raise SystemExit("FAILED: " + text)


def check(condition, text):
    if not condition:
        fail(text)


def wait_until(condition, text, patience_s=PATIENCE_S):
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            fail("waited in vain: " + text)
        time.sleep(0.02)


def command(*args):
    done = subprocess.run(args, capture_output=True, text=True)
    if done.returncode != 0:
        raise OSError(f"{' '.join(args)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


class Hosts:
    """client --- router --- server. The client's own interface stays up when the link behind the router is cut, as with a
    Wi-Fi whose uplink fails."""

    def __init__(self):
        self.names = {host: f"syncline-{os.getpid()}-{host}" for host in ("client", "router", "server")}

    def on(self, host, *args):
        return command("ip", "netns", "exec", self.names[host], *args)

    def set_kernel(self, host, name, value):
        self.on(host, "sh", "-c", f"echo {value} >/proc/sys/net/ipv4/{name}")

    def build(self):
        for name in self.names.values():
            command("ip", "netns", "add", name)
        for host, end, address in (("client", "0", "10.77.1."), ("server", "1", "10.77.2.")):
            command("ip", "link", "add", "eth0", "netns", self.names[host], "type", "veth", "peer", "name", "eth" + end, "netns",
                    self.names["router"])
            self.on("router", "ip", "address", "add", address + "1/24", "dev", "eth" + end)
            self.on("router", "ip", "link", "set", "eth" + end, "up")
            self.on(host, "ip", "link", "set", "lo", "up")
            self.on(host, "ip", "link", "set", "eth0", "up")
            self.move(host, address + "2")
        self.set_kernel("router", "ip_forward", 1)
        # TCP gives up after seconds, not after a quarter of an hour: the test has no more time than that.
        for host in ("client", "server"):
            self.set_kernel(host, "tcp_retries2", 3)

    def move(self, host, address):
        self.on(host, "ip", "address", "flush", "dev", "eth0", "scope", "global")
        self.on(host, "ip", "address", "add", address + "/24", "dev", "eth0")
        self.on(host, "ip", "route", "add", "default", "via", address.rsplit(".", 1)[0] + ".1")

    def cut(self):
        self.on("router", "ip", "link", "set", "eth1", "down")

    def restore(self):
        self.on("router", "ip", "link", "set", "eth1", "up")

    def remove(self):
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


class Place:
    def __init__(self, root, hosts):
        self.root = root
        self.hosts = hosts
        self.started = []

    def path(self, name):
        return os.path.join(self.root, name)

    def start(self, host, *args, **streams):
        home = self.path("home-" + host)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        environment |= {"HOME": home, "XDG_CONFIG_HOME": home + "/config", "XDG_STATE_HOME": home + "/state"}
        # exec in place of a child: what is started here is the program itself, and is ended as that.
        out = subprocess.Popen(["ip", "netns", "exec", self.hosts.names[host], PROGRAM, *args], env=environment, cwd=self.root,
                               text=True, **streams)
        self.started.append(out)
        return out

    def serve(self):
        key = self.finish(self.start("client", "id", stdout=subprocess.PIPE, stderr=subprocess.PIPE))[0].strip()
        os.makedirs(self.path("shared"))
        with open(self.path("server.toml"), "w") as file:
            file.write(f'listen = ["10.77.2.2:8737"]\nstate_dir = "{self.path("state")}"\n'
                       f'[[share]]\nname = "shared"\ndir = "{self.path("shared")}"\n'
                       f'[[authorize]]\nfingerprint = "{key}"\n[limits]\nidle_timeout_seconds = {IDLE_S}\n')
        with open(self.path("server.log"), "w") as log:
            self.start("server", "serve", "--config", "server.toml", stdout=log, stderr=log)
        wait_until(lambda: "listening on" in self.log(), "the server listens: " + self.log())
        self.server_key = re.search(r"key (\S+)", self.log()).group(1)

    def log(self):
        if not os.path.exists(self.path("server.log")):
            return ""
        with open(self.path("server.log")) as file:
            return file.read()

    def push(self, name, rate=RATE):
        """A push of a new file that takes some seconds; returns when a part of it has arrived."""
        os.makedirs(self.path(name))
        with open(self.path(name + "/large"), "wb") as file:
            file.write(random.Random(name).randbytes(FILE_BYTES))
        client = self.start("client", "copy", "--json", "--bwlimit", str(rate // 1000) + "KB", "--retries", "50", "--server-key",
                            self.server_key, name + "/", f"syncline://10.77.2.2/shared/{name}/", stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)
        temps = self.path(f"shared/{name}/.syncline/tmp")

        def arrived():
            check(client.poll() is None, "the client is still at it")
            try:
                return max((os.stat(os.path.join(temps, one)).st_size for one in os.listdir(temps)), default=0)
            except FileNotFoundError:
                return 0
        wait_until(lambda: arrived() > CUT_AT_BYTES, "a part of the file has arrived: " + self.log())
        return client

    def finish(self, process, code=0):
        out, errors = process.communicate(timeout=PATIENCE_S)
        check(process.returncode == code, f"exit {process.returncode}, not {code}: {errors}{out}\n{self.log()}")
        return out, errors

    def check_resumed(self, client, name):
        out, _ = self.finish(client)
        records = [json.loads(line) for line in out.splitlines()]
        check(filecmp.cmp(self.path(name + "/large"), self.path(f"shared/{name}/large"), shallow=False), "what arrives is equal")
        check(any(one.get("type") == "notice" and "connection was lost" in str(one) for one in records),
              f"the person hears that the connection was lost: {out}")
        sent = records[-1]["sent_bytes"]
        check(FILE_BYTES <= sent < FILE_BYTES + REPEATED_BYTES_MAX, f"only what was missing is sent again: {sent}")

    def stop(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()


def link_cut_and_restored(place, hosts):
    client = place.push("cut")
    hosts.cut()
    time.sleep(6)
    hosts.restore()
    place.check_resumed(client, "cut")


def address_changes(place, hosts):
    client = place.push("moved")
    hosts.move("client", "10.77.1.3")
    place.check_resumed(client, "moved")
    check(re.search(r"session ended 10\.77\.1\.3:", place.log()), "the server sees the client at its new address: " + place.log())


def packets_are_lost(place, hosts):
    try:
        hosts.on("router", "tc", "qdisc", "add", "dev", "eth1", "root", "netem", "delay", "10ms", "loss", "2%")
    except OSError as error:
        return f"left out: {error}"
    client = place.push("lossy")
    place.finish(client)
    check(filecmp.cmp(place.path("lossy/large"), place.path("shared/lossy/large"), shallow=False), "what arrives is equal")
    hosts.on("router", "tc", "qdisc", "delete", "dev", "eth1", "root")
    return "ok"


def half_open_ends(place, hosts):
    client = place.push("gone")
    before = len(re.findall("session failed", place.log()))
    hosts.cut()
    client.kill()  # its goodbye does not get through: for the server the connection is still there
    client.wait()
    begun = time.monotonic()
    wait_until(lambda: len(re.findall("session failed", place.log())) > before, "the server gives the session up: " + place.log(),
               3 * IDLE_S)
    check(time.monotonic() - begun > 1, "it was the silence that ended it")
    hosts.restore()
    again = place.start("client", "copy", "--json", "--server-key", place.server_key, "gone/", "syncline://10.77.2.2/shared/gone/",
                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, _ = place.finish(again)
    check(filecmp.cmp(place.path("gone/large"), place.path("shared/gone/large"), shallow=False), "the place is free for the next")
    sent = json.loads(out.splitlines()[-1])["sent_bytes"]
    check(sent < FILE_BYTES - CUT_AT_BYTES // 2, f"what had arrived is not sent again: {sent}")


def main():
    hosts = Hosts()
    try:
        hosts.build()
    except (OSError, FileNotFoundError) as error:
        hosts.remove()
        print(f"skipped: network namespaces cannot be made here: {error}")
        return SKIPPED
    try:
        with tempfile.TemporaryDirectory(prefix="syncline-namespaces-") as root:
            place = Place(root, hosts)
            try:
                place.serve()
                for step in (link_cut_and_restored, address_changes, packets_are_lost, half_open_ends):
                    begun = time.monotonic()
                    said = step(place, hosts) or "ok"
                    print(f"{step.__name__}: {said} ({time.monotonic() - begun:.1f} s)", flush=True)
            finally:
                place.stop()
    finally:
        hosts.remove()
    return 0


signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # a test that is timed out leaves nothing behind
sys.exit(main())
