"""A finger that is enrolled over CTAP on a real fprintd with a virtual reader. Run by `tests/python/run`."""

import contextlib
import socket
import threading
import time

from fido2.ctap2.bio import FPBioEnrollment

from ceremonies import PERMISSION, PERSON, PIN, DeviceTest
from latchkey_ctap import wanted

READER = wanted("LATCHKEY_READER")
FINGERPRINT = 0x02


@contextlib.contextmanager
def touched(finger, to_question=False):
    """The finger goes over the reader again and again while the body runs, or from when a question is shown."""
    enough = threading.Event()

    def touch():
        if to_question:
            PERSON.wait_for_question()
        while not enough.wait(0.2):
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as reader:
                reader.connect(READER)
                reader.sendall(f"SCAN {finger}".encode())

    touching = threading.Thread(target=touch)
    touching.start()
    try:
        yield
    finally:
        enough.set()
        touching.join()


class OnFprintd(DeviceTest):
    def test_a_finger(self):
        deadline = time.monotonic() + 20
        # The daemon asks fprintd for its reader while it starts.
        while "bioEnroll" not in self.ctap.get_info().options and time.monotonic() < deadline:
            time.sleep(0.05)
        info = self.ctap.get_info()
        self.assertIs(info.options["bioEnroll"], False)
        self.assertEqual(info.uv_modality & FINGERPRINT, FINGERPRINT)
        token, protocol = self.token(PERMISSION.BIO_ENROLL)
        bio = FPBioEnrollment(self.ctap, protocol, token)
        sensor = bio.get_fingerprint_sensor_info()
        self.assertEqual(sensor[2], 2, "the virtual reader is one for swiping")
        self.assertGreater(sensor[3], 1)
        self.assertEqual(bio.enumerate_enrollments(), {})

        context, template, remaining = bio.enroll(), None, sensor[3]
        with touched("alice"):
            while template is None:
                template = context.capture()
                self.assertLessEqual(context.remaining, remaining)
                remaining = context.remaining
        self.assertEqual(bio.enumerate_enrollments(), {template: "right-index-finger"})
        self.assertIs(self.ctap.get_info().options["bioEnroll"], True)

        PERSON.asked()
        PERSON.next(PERSON.HOLD)
        with touched("alice", to_question=True):
            self.pin_client().get_uv_token(PERMISSION.GET_ASSERTION, self.rp_id)
        self.assertEqual(PERSON.asked()[0]["gestures"], ["fingerprint"])
        token, protocol = self.pin_client().get_pin_token(PIN, PERMISSION.BIO_ENROLL), self.pin_client().protocol
        bio = FPBioEnrollment(self.ctap, protocol, token)
        bio.remove_enrollment(template)
        self.assertEqual(bio.enumerate_enrollments(), {})
