"""CTAPHID through python-fido2, and the same device over UDP."""

import os
import threading
import unittest

from fido2.hid import CAPABILITY

from ceremonies import ERR, OVER_HIDRAW, PERSON, DeviceTest, Site
from latchkey_ctap import over_udp

UDP_PORT = os.environ.get("LATCHKEY_UDP_PORT")


class Framing(DeviceTest):
    def test_init(self):
        self.assertEqual(self.device.version, 2)
        self.assertEqual(self.device.capabilities, CAPABILITY.WINK | CAPABILITY.CBOR | CAPABILITY.NMSG)
        other = self.connect()
        self.addCleanup(other.close)
        self.assertNotEqual(other._channel_id, self.device._channel_id)

    def test_ping_wink_lock(self):
        # The kernel keeps 32 reports for a device, and then forgets some.
        for length in (1, 57, 58, 1024) if OVER_HIDRAW else (1, 57, 58, 1024, 7609):
            data = os.urandom(length)
            self.assertEqual(self.device.ping(data), data)
        self.device.wink()
        self.device.lock(1)
        self.device.lock(0)

    def test_u2f_is_off(self):
        with self.refused(ERR.INVALID_COMMAND):
            self.device.call(0x03, bytes.fromhex("00030000000000"))

    def test_unknown_and_malformed_requests(self):
        for request, status in (
            (b"\x00", ERR.INVALID_COMMAND),
            (b"\x3f", ERR.INVALID_COMMAND),
            (b"\x01", (ERR.INVALID_CBOR, ERR.MISSING_PARAMETER)),
            (b"\x02\xa0", ERR.MISSING_PARAMETER),
            (b"\x02\xbf\xff", ERR.INVALID_CBOR),
            (b"\x06\xa1\x01\x18\x02", ERR.INVALID_CBOR),
            (b"\x06\xa2\x02\x02\x01\x02", ERR.INVALID_CBOR),
            (b"\x01" + b"\x81" * 100, ERR.INVALID_CBOR),
        ):
            expected = status if isinstance(status, tuple) else (status,)
            with self.subTest(request=request[:8]):
                self.assertIn(self.device.call(0x10, request)[0], expected)

    # The kernel gives each client all reports, and python-fido2 takes those of another's channel for its own.
    @unittest.skipIf(OVER_HIDRAW, "python-fido2 is alone on a device of the kernel")
    def test_a_second_client_waits_for_the_first(self):
        PERSON.next(PERSON.HOLD)
        event = threading.Event()
        other = self.connect()
        self.addCleanup(other.close)
        busy = threading.Event()

        def on_keepalive(_status):
            if busy.is_set():
                return
            busy.set()
            # While this request is held, the other device is told that the channel is busy.
            with self.refused(ERR.CHANNEL_BUSY):
                other._do_call(0x10, b"\x04", threading.Event(), None)
            event.set()

        with self.refused(ERR.KEEPALIVE_CANCEL):
            self.ctap.selection(event=event, on_keepalive=on_keepalive)
        self.assertTrue(busy.is_set())
        self.assertEqual(other.call(0x10, b"\x04")[0], 0)


@unittest.skipUnless(UDP_PORT, "LATCHKEY_UDP_PORT is not set")
class Udp(DeviceTest):
    def connect(self):
        return over_udp(int(UDP_PORT))

    def test_a_passkey_over_udp(self):
        site = Site(self.device, self.rp_id)
        site.register("alice")
        site.sign_in()

    def test_it_is_the_same_device(self):
        self.assertIs(self.ctap.info.options["clientPin"], True)
        self.assertEqual(self.device.ping(bytes(7609)), bytes(7609))
