"""The authenticator's own prompt: wrong answers, refusals, cancels, timeouts, and keepalives meanwhile."""

import os
import threading
import time
import unittest

from fido2.client import ClientError
from fido2.ctap import STATUS

from ceremonies import ERR, PERMISSION, PERSON, PIN, DeviceTest, Site

TIMEOUT = float(os.environ.get("LATCHKEY_PROMPT_TIMEOUT") or "inf")


class Prompts(DeviceTest):
    def uv_token(self, **more):
        return self.pin_client().get_uv_token(PERMISSION.GET_ASSERTION, self.rp_id, **more)

    def cancelled_by_user_presence(self):
        """An event that is set once the authenticator says that it waits for the user."""
        event = threading.Event()
        seen = []

        def on_keepalive(status):
            seen.append(status)
            if status == STATUS.UPNEEDED:
                event.set()

        return {"event": event, "on_keepalive": on_keepalive}, seen

    def test_a_wrong_pin_at_the_prompt(self):
        PERSON.next_pin("000000")
        self.uv_token()
        asked = PERSON.asked()
        self.assertEqual(len(asked), 2)
        self.assertIsNone(asked[0]["notice"])
        self.assertEqual(asked[1]["tries_left"], 7)
        self.assertIn("7", asked[1]["notice"])
        self.assertEqual(self.pin_client().get_pin_retries()[0], 8)

    def test_the_prompt_says_what_it_is_about(self):
        self.uv_token()
        (asked,) = PERSON.asked()
        self.assertEqual((asked["want"], asked["rp_id"]), ("pin", self.rp_id))
        self.assertIn(self.rp_id, asked["text"])

    def test_denied(self):
        PERSON.next(PERSON.DENY)
        with self.refused(ERR.OPERATION_DENIED):
            self.uv_token()
        PERSON.next(PERSON.DENY)
        with self.refused(ERR.OPERATION_DENIED):
            self.ctap.selection()
        PERSON.next(PERSON.DENY)
        with self.refused(ERR.OPERATION_DENIED):
            self.pin_client().get_pin_token(PIN)
        token, protocol = self.token(PERMISSION.MAKE_CREDENTIAL, self.rp_id)
        PERSON.next(PERSON.DENY)
        with self.refused(ERR.OPERATION_DENIED):
            self.register_raw(token=token, protocol=protocol)

    def test_selection(self):
        self.ctap.selection()
        (asked,) = PERSON.asked()
        self.assertEqual(asked["want"], "approval")

    def test_cancel(self):
        def register(**more):
            return self.register_raw(token=token, protocol=protocol, **more)

        for attempt in (self.ctap.selection, self.uv_token, register):
            token, protocol = self.token(PERMISSION.MAKE_CREDENTIAL, self.rp_id)
            PERSON.asked()
            PERSON.next(PERSON.HOLD)
            how, seen = self.cancelled_by_user_presence()
            with self.refused(ERR.KEEPALIVE_CANCEL):
                attempt(**how)
            self.assertIn(STATUS.UPNEEDED, seen)
            PERSON.asked()
            # The device is free, and the cancelled prompt is gone.
            self.ctap.selection()
            self.assertEqual(len(PERSON.asked()), 1)

    def test_a_client_that_gives_up_a_ceremony(self):
        site = Site(self.device, self.rp_id)
        PERSON.next(PERSON.HOLD)
        event = threading.Event()
        threading.Timer(0.5, event.set).start()
        with self.assertRaises(ClientError) as failure:
            site.register("alice", event=event)
        self.assertEqual(failure.exception.code, ClientError.ERR.TIMEOUT)
        PERSON.asked()
        site.register("alice")

    def test_a_client_that_goes_away(self):
        PERSON.next(PERSON.HOLD)
        other = self.connect()
        failures = []

        def ask():
            try:
                other.call(0x10, b"\x0b")
            except Exception as error:
                failures.append(error)

        asking = threading.Thread(target=ask)
        asking.start()
        deadline = time.monotonic() + 10
        while not (PERSON.folder / "asked").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        other._connection.socket.shutdown(2)
        asking.join()
        other.close()
        self.assertEqual(len(failures), 1)
        PERSON.asked()
        self.ctap.selection()

    @unittest.skipIf(TIMEOUT > 10, "LATCHKEY_PROMPT_TIMEOUT is not set to 10 seconds or less")
    def test_nobody_answers(self):
        PERSON.next(PERSON.HOLD)
        begin = time.monotonic()
        with self.refused(ERR.USER_ACTION_TIMEOUT):
            self.ctap.selection()
        self.assertAlmostEqual(time.monotonic() - begin, TIMEOUT, delta=1)
        # Where a touch is to confirm something, not to answer is not to confirm (CTAP 2.3 §6.5.5.7.2 step 7).
        PERSON.next(PERSON.HOLD)
        with self.refused(ERR.OPERATION_DENIED):
            self.pin_client().get_pin_token(PIN)
