"""browser.py — a Chromium inside a namespace, led by a test: starts browser_driver.mjs there and speaks with it in lines of JSON."""

import json
import os
import select
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "integration"))

ANSWER_SECONDS = 90.0  # the driver's own waits are shorter


class Browser:
    """Each method is one thing that the driver does; what it could not do is an AssertionError with its words."""

    def __init__(self, namespace, folder):
        if not os.path.isdir(os.path.join(HERE, "node_modules", "playwright-core")):
            raise AssertionError("playwright-core is missing: npm ci --prefix tests/browser, or sudo tests/run --only browser")
        self._errors = open(os.path.join(folder, "browser.log"), "w+b")  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace.name, "node", os.path.join(HERE, "browser_driver.mjs")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=HERE,
                                        env={**os.environ, "HOME": folder, "TMPDIR": folder, "TZ": "Europe/Berlin"})

    def do(self, does, **what):
        self.process.stdin.write(json.dumps({"does": does, **what}).encode() + b"\n")
        self.process.stdin.flush()
        if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
            raise AssertionError(f"the browser did not answer to {does} within {ANSWER_SECONDS} s: {self.words()}")
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the browser has ended: {self.words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{does} {what}: {answer['error']}")
        return answer["value"]

    def words(self):
        self._errors.seek(0)
        return self._errors.read()[-4000:].decode(errors="replace")

    def open(self, path="/", **how):
        """how: width, height, scheme (light, dark), phone."""
        self.do("open", path=path, **how)

    def see(self, selector, text=None, **more):
        """Waits until it is visible. text: what it has somewhere in it."""
        self.do("see", selector=selector, **({} if text is None else {"text": text}), **more)

    def gone(self, selector, text=None):
        self.do("gone", selector=selector, **({} if text is None else {"text": text}))

    def click(self, selector, text=None):
        self.do("click", selector=selector, **({} if text is None else {"text": text}))

    def fill(self, selector, value):
        self.do("fill", selector=selector, value=value)

    def press(self, *keys):
        for key in keys:
            self.do("press", key=key)

    def text(self, selector):
        return self.do("text", selector=selector)

    def texts(self, selector):
        return self.do("texts", selector=selector)

    def count(self, selector):
        return self.do("count", selector=selector)

    def trouble(self):
        """What went wrong in the page since it was asked last."""
        return self.do("trouble")

    def end(self):
        """Whatever state it is in, it is gone afterwards."""
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (subprocess.TimeoutExpired, BrokenPipeError):
            self.process.kill()
            self.process.wait(10)
        self.process.stdout.close()
        self._errors.close()
