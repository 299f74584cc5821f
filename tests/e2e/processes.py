# SPDX-License-Identifier: Apache-2.0
"""What tests with processes of their own have in common."""
import time

PATIENCE_S = 60


def fail(text):
    raise SystemExit("FAILED: " + text)


def check(condition, text):
    if not condition:
        fail(text)


def wait_until(condition, text):
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            fail("waited in vain: " + text)
        time.sleep(0.02)
