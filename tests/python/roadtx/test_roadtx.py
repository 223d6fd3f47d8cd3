"""A device as roadtx plays it, unmodified: joined, signed in, with a key of its own, in a browser. Run by `run`.

roadtx does not look at what a token proves; the provider does. So the order is the one that an enforcing provider wants:
two factors first, then the device, its primary token, and the key within ten minutes.
"""

import base64
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import jwt
import pyotp

import provider
from person import Person

URL = os.environ["LATCHKEY_IDP_URL"]
CA = os.environ["LATCHKEY_IDP_CA"]
TENANT = os.environ["LATCHKEY_IDP_TENANT"]
DOMAIN = os.environ["LATCHKEY_IDP_DOMAIN"]
PEOPLE = json.loads(os.environ["LATCHKEY_IDP_PEOPLE"])
CLIENT = os.environ["LATCHKEY_IDP_CLIENT"]
PASSWORD = PEOPLE["password"]
APP = PEOPLE["app"]

BROKER = "29d9ed98-a469-4536-ade2-f981bc1d605e"
DRS = "urn:ms-drs:enterpriseregistration.windows.net"


def setUpModule():
    global served
    served = provider.serve()


def tearDownModule():
    served.terminate()
    served.wait(20)


class Roadtx:
    """roadtx in a folder of its own, where it keeps keys and tokens."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self.folder.name)

    def start(self, *arguments):
        return subprocess.Popen(
            [os.environ["ROADTX"], *arguments],
            cwd=self.path,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __call__(self, *arguments):
        """Runs it to its end: what it said. Its exit status says nothing."""
        process = self.start(*arguments)
        said, _ = process.communicate(timeout=60)
        return said

    def tokens(self):
        return json.loads((self.path / ".roadtools_auth").read_text())

    def access(self):
        """The claims of the access token that it got last."""
        return jwt.decode(self.tokens()["accessToken"], options={"verify_signature": False})

    def token(self, file):
        """A primary token that it keeps, and its session key."""
        kept = json.loads((self.path / file).read_text())
        return kept["refresh_token"], kept["session_key"]


class OnADevice(unittest.TestCase):
    """A device that somebody with two factors has joined, and what it is used for."""

    @classmethod
    def setUpClass(cls):
        cls.roadtx = Roadtx()
        cls.addClassCleanup(cls.roadtx.folder.cleanup)
        cls.proved = cls.sign_in(APP["name"], APP["link"])
        said = cls.join("pc1")
        assert "Saved device certificate" in said, said
        cls.device = re.search(r"Device ID: (\S+)", said).group(1)
        cls.refresh_token = cls.roadtx.tokens()["refreshToken"]

    @classmethod
    def sign_in(cls, name, link=None):
        """A person signs in on another screen, with two factors if they have an authenticator app."""
        waiting = cls.roadtx.start("gettokens", "--device-code", "-c", BROKER, "-r", DRS)
        said = []
        while not said or "devicelogin" not in said[-1]:
            said.append(waiting.stdout.readline())
            assert said[-1], "".join(said)
        code = re.search(r"enter the code (\w+)", said[-1]).group(1)
        visitor = Person(URL, CA, name, PASSWORD, code=pyotp.parse_uri(link).now if link else None)
        page = visitor.through(visitor.submit(visitor.open("/devicelogin"), step="device-code", otc=code))
        visitor.submit(page, step="device-confirm", answer="accept")
        said, _ = waiting.communicate(timeout=60)
        assert waiting.returncode == 0, said
        return cls.roadtx.access()

    @classmethod
    def join(cls, name):
        keys = ["-c", f"{name}.pem", "-k", f"{name}.key"]
        return cls.roadtx("device", "-a", "join", "-n", name, "-d", DOMAIN, *keys)

    def ask(self, file, *proof):
        return self.roadtx("prt", "-c", "pc1.pem", "-k", "pc1.key", "-f", file, *proof)

    def prt(self, file, *proof):
        said = self.ask(file, *proof)
        self.assertIn("Saved PRT", said)
        token, key = self.roadtx.token(file)
        self.assertEqual(len(bytes.fromhex(key)), 32)
        return token

    def use(self, file, client, resource):
        """What a primary token gives an application: the claims of its access token."""
        said = self.roadtx("prtauth", "-f", file, "-c", client, "-r", resource)
        self.assertIn("Tokens were written", said)
        return self.roadtx.access()


    def test_from_two_factors_to_a_browser(self):
        self.assertEqual(self.proved["aud"], DRS)
        self.assertIn("ngcmfa", self.proved["amr"])
        with self.subTest("by the broker's refresh token"):
            self.prt("first.prt", f"--refresh-token={self.refresh_token}")
        with self.subTest("a token of the registration service, which says all that its key wants"):
            claims = self.use("first.prt", BROKER, DRS)
            self.assertEqual((claims["aud"], claims["deviceid"]), (DRS, self.device))
            self.assertLessEqual({"pwd", "mfa", "ngcmfa"}, set(claims["amr"]))
        with self.subTest("the key"):
            said = self.roadtx("winhello", "-k", "hello.key")
            self.assertIn("'kid'", said)
        with self.subTest("by the key"):
            self.prt("hello.prt", "-u", APP["name"], "-hk", "hello.key")
            claims = self.use("hello.prt", BROKER, DRS)
            self.assertEqual(claims["deviceid"], self.device)
            self.assertLessEqual({"rsa", "mfa"}, set(claims["amr"]))
            self.assertNotIn("pwd", claims["amr"])
        with self.subTest("renewed"):
            before, key = self.roadtx.token("hello.prt")
            said = self.roadtx("prt", "-a", "renew", "-f", "hello.prt")
            self.assertIn("Saved PRT", said)
            after, same = self.roadtx.token("hello.prt")
            self.assertNotEqual(before, after)
            self.assertEqual(key, same)
            self.assertEqual(self.use("hello.prt", BROKER, DRS)["deviceid"], self.device)
        with self.subTest("a browser"):
            said = self.roadtx("prtcookie", "-f", "hello.prt")
            cookie = re.search(r"PRT cookie: (\S+)", said).group(1)
            said = self.roadtx("gettokens", "--prt-cookie", cookie, "-c", CLIENT, "-r", "https://graph.microsoft.com")
            self.assertIn("Tokens were written", said)
            claims = self.roadtx.access()
            self.assertEqual((claims["appid"], claims["deviceid"]), (CLIENT, self.device))
            self.assertEqual((claims["tid"], claims["upn"]), (TENANT, APP["name"]))
            said = self.roadtx("gettokens", "--prt-cookie", cookie, "-c", CLIENT, "-r", "https://graph.microsoft.com")
            self.assertIn("Redirected with new nonce", said)
        with self.subTest("another program signs the cookie itself"):
            token, key = self.roadtx.token("hello.prt")
            resource = ["-c", CLIENT, "-r", "https://graph.microsoft.com"]
            said = self.roadtx("gettokens", "--prt", token, "--prt-sessionkey", key, *resource)
            self.assertIn("Tokens were written", said)
            wrong = base64.b64encode(b"\x00" * 32).decode()
            said = self.roadtx("gettokens", "--prt", token, "--prt-sessionkey", wrong, *resource)
            self.assertIn("No authentication code was returned", said)

    def test_a_password_alone_joins_no_device_and_registers_no_key(self):
        name = PEOPLE["plain"]
        # A device is for whoever signs in to it, joined by them or by somebody else.
        self.prt("password.prt", "-u", name, f"--password={PASSWORD}")
        claims = self.use("password.prt", BROKER, DRS)
        self.assertEqual((claims["deviceid"], claims["amr"]), (self.device, ["pwd"]))
        said = self.roadtx("winhello", "-k", "strange.key")
        self.assertNotIn("'kid'", said)
        self.assertIn("ERROR_FAIL", said)
        self.assertIn("AADSTS130004", self.ask("none.prt", "-u", name, "-hk", "strange.key"))
        self.assertIn("multifactor_required", self.join("pc2"))

    def test_a_wrong_password_and_a_strange_certificate_get_nothing(self):
        name = PEOPLE["plain"]
        self.assertIn("AADSTS50126", self.ask("none.prt", "-u", name, "--password=wrong"))
        request = ["req", "-x509", "-key", "pc1.key", "-subj", f"/CN={self.device}", "-days", "1", "-out", "strange.pem"]
        subprocess.run(["openssl", *request], cwd=self.roadtx.path, check=True)
        said = self.roadtx("prt", "-c", "strange.pem", "-k", "pc1.key", "-u", name, f"--password={PASSWORD}")
        self.assertIn("AADSTS50155", said)
