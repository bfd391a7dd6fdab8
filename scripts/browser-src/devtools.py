"""A headless Chromium, spoken to by its own protocol over two pipes: no port, and nothing between."""
import base64
import collections
import json
import os
import select
import subprocess
import time

PROGRAM = "chromium-headless-shell"
# Its standard streams become those on which it expects the protocol. Nothing is resolved but what this machine is called.
START = 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null'
FLAGS = ["--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--force-color-profile=srgb", "--no-first-run"]
# How many seconds an answer may take: a browser that hangs ends the test.
PATIENCE = 60


class Browser:
    """A browser with a profile in a folder; it ends with the `with` that holds it."""

    def __init__(self, folder):
        words = ["sh", "-c", START, "sh", PROGRAM, f"--user-data-dir={folder}", *FLAGS]
        self.log = open(os.path.join(folder, "browser.log"), "wb")
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log)
        self.number, self.buffer, self.events = 0, b"", collections.defaultdict(list)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def call(self, method, session=None, **parameters):
        """Asks for something and waits for the answer; what is told meanwhile is kept for its session."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        self.process.stdin.flush()
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events[answer.get("sessionId")].append(answer)

    def read(self):
        """The next message."""
        limit = time.monotonic() + PATIENCE
        while b"\0" not in self.buffer:
            if not select.select([self.process.stdout], [], [], limit - time.monotonic())[0]:
                raise RuntimeError("the browser does not answer")
            part = os.read(self.process.stdout.fileno(), 1 << 20)
            if not part:
                raise RuntimeError(f"the browser ended with {self.process.wait()}")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def tab(self):
        """A new tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        return Tab(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"], target)


class Tab:
    """One tab, and what happened in it since it was last asked."""

    def __init__(self, browser, session, target):
        self.browser, self.session, self.target = browser, session, target
        for domain in ["Page", "Runtime", "Log", "Network", "DOM", "Performance"]:
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def close(self):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def happened(self, *methods):
        """What was told by these names."""
        return [event["params"] for event in self.browser.events[self.session] if event["method"] in methods]

    def open(self, path):
        """Opens a file and waits until it is loaded; gives the seconds that took."""
        self.browser.events[self.session].clear()
        begin = time.monotonic()
        failed = self.call("Page.navigate", url=path.as_uri()).get("errorText")
        if failed:
            raise RuntimeError(f"{path}: {failed}")
        while not self.happened("Page.loadEventFired"):
            event = self.browser.read()
            self.browser.events[event.get("sessionId")].append(event)
            # Else a page that asks something waits for ever.
            if event["method"] == "Page.javascriptDialogOpening":
                self.call("Page.handleJavaScriptDialog", accept=False)
        return time.monotonic() - begin

    def evaluate(self, expression):
        """The value of an expression, or of the promise that it is."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def look(self, width, scheme="light", media="screen"):
        """How wide the window is, and what it is shown for."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key, code=0, text=""):
        """Presses a key and lets it go."""
        for kind in ["keyDown" if text else "rawKeyDown", "keyUp"]:
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code,
                      **({"text": text} if text and kind == "keyDown" else {}))

    def picture(self, path):
        """Writes a picture of the whole page, or of its beginning where it is very long."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 6000), "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))
