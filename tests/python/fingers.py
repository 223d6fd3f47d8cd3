"""Fingers: python-fido2's FPBioEnrollment on the virtual sensor (CTAP 2.3 §6.7)."""

import contextlib
import json
import os
import pathlib
import socket
import threading
import time
import unittest

from fido2.ctap import STATUS
from fido2.ctap2.bio import CaptureError, FPBioEnrollment

from ceremonies import DEVICE, ERR, PERMISSION, PERSON, DeviceTest

SENSOR = os.environ.get("LATCHKEY_SENSOR")
FEEDBACK = FPBioEnrollment.FEEDBACK
SAMPLES = 3


def offer(finger):
    """Presents a finger; whether somebody waited for it."""
    with socket.socket(socket.AF_UNIX) as sensor:
        sensor.connect(SENSOR)
        sensor.sendall(f"{finger}\n".encode())
        return sensor.recv(64) == b"seen\n"


@contextlib.contextmanager
def presented(finger, to_question=False):
    """The finger is presented as soon as somebody waits for it, or a question is shown, while the body runs."""

    def present():
        if to_question:
            PERSON.wait_for_question()
        deadline = time.monotonic() + 20
        while not offer(finger) and time.monotonic() < deadline:
            time.sleep(0.01)

    presenting = threading.Thread(target=present)
    presenting.start()
    yield
    presenting.join()


def enrolled_with_the_daemon():
    """What `latchkey biometric list` shows."""
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(str(pathlib.Path(DEVICE).with_name("control.sock")))
        control.sendall(b'{"biometric":{"list":{}}}\n')
        answer = json.loads(control.makefile().readline())
    return {one["id"].encode(): one["label"] for one in answer["biometrics"]}


@unittest.skipUnless(SENSOR, "LATCHKEY_SENSOR is not set")
class Fingers(DeviceTest):
    def setUp(self):
        super().setUp()
        self.bio = self.enrolment()
        self.assertEqual(self.bio.enumerate_enrollments(), {})
        PERSON.asked()

    def tearDown(self):
        bio = self.enrolment()
        for template in bio.enumerate_enrollments():
            bio.remove_enrollment(template)

    def enrolment(self):
        token, protocol = self.token(PERMISSION.BIO_ENROLL)
        return FPBioEnrollment(self.ctap, protocol, token)

    def enrol(self, finger):
        """All samples of a finger; the id of its template."""
        context = self.bio.enroll()
        for remaining in reversed(range(SAMPLES)):
            with presented(finger):
                template = context.capture()
            self.assertEqual(context.remaining, remaining)
        return template

    def options(self):
        options = self.ctap.get_info().options
        return options["bioEnroll"], options["userVerificationMgmtPreview"], options["uvBioEnroll"]

    def test_a_finger_from_the_first_touch_to_its_removal(self):
        self.assertEqual(self.options(), (False, False, True))
        self.assertEqual(self.ctap.info.uv_modality & 0x02, 0x02)
        self.assertEqual(dict(self.bio.get_fingerprint_sensor_info()), {1: 1, 2: 1, 3: SAMPLES, 8: 64})
        template = self.enrol("finger 1")
        (asked,) = PERSON.asked()
        self.assertEqual((asked["operation"], asked["want"]), ("enrol", "approval"))
        self.assertEqual(self.options(), (True, True, True))
        self.assertEqual(self.bio.enumerate_enrollments(), {template: "fingerprint"})
        self.bio.set_name(template, "left thumb")
        self.assertEqual(self.bio.enumerate_enrollments(), {template: "left thumb"})
        self.assertEqual(enrolled_with_the_daemon(), {template: "left thumb"})
        with self.refused(ERR.INVALID_LENGTH):
            self.bio.set_name(template, "x" * 65)

        # It does in the place of the PIN at once: the token to enrol was had with the PIN.
        PERSON.next(PERSON.HOLD)
        with presented("finger 1", to_question=True):
            self.pin_client().get_uv_token(PERMISSION.GET_ASSERTION, self.rp_id)
        (asked,) = PERSON.asked()
        self.assertEqual(asked["gestures"], ["fingerprint"])
        # But it lets in no other finger: for that the PIN is typed.
        self.pin_client().get_uv_token(PERMISSION.BIO_ENROLL)
        (asked,) = PERSON.asked()
        self.assertEqual((asked["operation"], asked["gestures"]), ("manage-fingers", []))

        bio = self.enrolment()
        bio.remove_enrollment(template)
        self.assertEqual(bio.enumerate_enrollments(), {})
        self.assertEqual(enrolled_with_the_daemon(), {})
        with self.refused(ERR.INVALID_OPTION):
            bio.remove_enrollment(template)
        self.assertEqual(self.options(), (False, False, True))

    def test_what_the_sensor_says_of_a_sample(self):
        context = self.bio.enroll(timeout=200)
        with self.assertRaises(CaptureError) as nobody:
            context.capture()
        self.assertEqual(nobody.exception.code, FEEDBACK.NO_USER_ACTIVITY)
        self.assertEqual(context.remaining, SAMPLES)
        context.timeout = None
        with presented("finger 1"):
            context.capture()
        with self.assertRaises(CaptureError) as other, presented("finger 2"):
            context.capture()
        self.assertEqual(other.exception.code, FEEDBACK.FP_MERGE_FAILURE)
        with self.assertRaises(CaptureError) as face, presented("face 1"):
            context.capture()
        self.assertEqual(face.exception.code, FEEDBACK.FP_POOR_QUALITY)
        for _ in range(2):
            with presented("finger 1"):
                template = context.capture()
        self.assertEqual(list(self.bio.enumerate_enrollments()), [template])
        with self.assertRaises(CaptureError) as again, presented("finger 1"):
            self.bio.enroll().capture()
        self.assertEqual(again.exception.code, FEEDBACK.FP_EXISTS)
        self.bio.enroll_cancel()

    def test_cancel(self):
        for cancel in (self.cancel_a_capture, self.cancel_the_enrolment):
            context = self.bio.enroll()
            with presented("finger 1"):
                context.capture()
            cancel(context)
            with self.refused(ERR.NOT_ALLOWED):
                self.bio.enroll_capture_next(context.template_id or b"none")
            # Nobody has the sensor any more.
            deadline = time.monotonic() + 20
            while offer("finger 1") and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertFalse(offer("finger 1"))
        self.assertEqual(self.bio.enumerate_enrollments(), {})

    def cancel_a_capture(self, context):
        event, seen = threading.Event(), []

        def on_keepalive(status):
            seen.append(status)
            if status == STATUS.UPNEEDED:
                event.set()

        with self.refused(ERR.KEEPALIVE_CANCEL):
            context.capture(event=event, on_keepalive=on_keepalive)
        self.assertIn(STATUS.UPNEEDED, seen)

    def cancel_the_enrolment(self, context):
        context.cancel()

    def test_the_user_says_no(self):
        PERSON.next(PERSON.DENY)
        with self.refused(ERR.OPERATION_DENIED):
            self.bio.enroll().capture()
        self.assertFalse(offer("finger 1"), "the sensor never listened")

    def test_the_prototype(self):
        self.assertEqual(self.device.call(0x10, b"\x40\xa1\x06\xf5"), b"\x00\xa1\x01\x01")
        self.assertEqual(self.device.call(0x10, b"\x09\xa1\x06\xf5"), b"\x00\xa1\x01\x01")
