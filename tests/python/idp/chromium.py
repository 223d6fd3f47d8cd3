"""Headless Chromium, driven through chromedriver: a browser for Python's `webbrowser`, in which a person signs in."""

import re
import subprocess
import tempfile
import threading
import time
import webbrowser

import requests

SWITCHES = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE = 30


class Chromium(webbrowser.BaseBrowser):
    """Opens addresses in a window of its own and answers what the provider's pages ask, as `name` with `password`."""

    def __init__(self, name, password):
        super().__init__("chromium")
        self._answers = {"loginfmt": name, "passwd": password}
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=subprocess.PIPE, text=True)
        started = next(line for line in self._driver.stdout if "started successfully" in line)
        self._at = "http://127.0.0.1:" + re.search(r"on port (\d+)", started).group(1)
        # The CA of the test is the provider's own, which no browser knows.
        wanted = {
            "browserName": "chrome",
            "acceptInsecureCerts": True,
            "goog:chromeOptions": {
                "binary": "/usr/bin/chromium",
                "args": SWITCHES + ["--user-data-dir=" + self._folder.name],
            },
        }
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = "/session/" + session["sessionId"]
        self.failure = None

    def close(self):
        self._call("DELETE", self._session)
        self._driver.terminate()
        self._driver.wait()
        self._driver.stdout.close()
        self._folder.cleanup()

    def open(self, url, new=0, autoraise=True):
        """Returns at once: whoever opens a browser then waits for what comes back from it."""
        threading.Thread(target=self._sign_in, args=(url,), daemon=True).start()
        return True

    def _sign_in(self, url):
        try:
            self._call("POST", self._session + "/url", {"url": url})
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end and not self._there(url):
                self._answer()
                time.sleep(0.1)
        except requests.RequestException as error:
            self.failure = error

    def _there(self, url):
        """Whether the browser is no longer at the provider's."""
        return not self._call("GET", self._session + "/url").startswith(url.split("/oauth2/")[0].rsplit("/", 1)[0])

    def _answer(self):
        """Fills in the one field that is to be filled in, or says no to "stay signed in"."""
        for name, text in self._answers.items():
            for field in self._find(f"input[name={name}]:not([type=hidden], [readonly])"):
                if self._call("GET", f"{self._session}/element/{field}/displayed"):
                    self._call("POST", f"{self._session}/element/{field}/clear", {})
                    self._call("POST", f"{self._session}/element/{field}/value", {"text": text + "\ue007"})
                    return
        for button in self._find("button[name=LoginOptions][value='3'], button[name=answer][value=accept], button[name=answer][value=later]"):
            self._call("POST", f"{self._session}/element/{button}/click", {})

    def _find(self, css):
        found = self._call("POST", self._session + "/elements", {"using": "css selector", "value": css})
        return [element[ELEMENT] for element in found or []]

    def _call(self, method, path, body=None):
        """A command of WebDriver. An element that is gone by now is nothing."""
        answer = requests.request(method, self._at + path, json=body, timeout=PATIENCE).json()["value"]
        return None if isinstance(answer, dict) and "error" in answer else answer
