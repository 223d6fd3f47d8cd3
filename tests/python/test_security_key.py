"""A container of the profile security-key as python-fido2 sees it. Run by `tests/python/run`, which says what it wants."""

import os
import time

from fido2.attestation import FidoU2FAttestation
from fido2.ctap1 import APDU, ApduError, Ctap1
from fido2.ctap2 import ClientPin, Config
from fido2.hid import CAPABILITY
from fido2.utils import sha256
from fido2.webauthn import AttestationObject

from ceremonies import ERR, PERMISSION, PERSON, PIN, DeviceTest, Site

# As clients do; and far more than the person at the prompt needs.
POLL_PERIOD, PATIENCE = 0.1, 60


def polled(message):
    """Repeats a U2F message until the user has touched, as every client does."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return message()
        except ApduError as error:
            if error.code != APDU.USE_NOT_SATISFIED or time.monotonic() > end:
                raise
        time.sleep(POLL_PERIOD)


class Undemanding(Site):
    """A site that is content with presence."""

    verification = "discouraged"


class SecurityKey(DeviceTest):
    def setUp(self):
        super().setUp()
        self.u2f = Ctap1(self.device)
        self.app = sha256(self.rp_id.encode())

    def word(self, message):
        with self.assertRaises(ApduError) as caught:
            message()
        return caught.exception.code

    def register(self):
        challenge = os.urandom(32)
        registration = polled(lambda: self.u2f.register(challenge, self.app))
        registration.verify(self.app, challenge)
        return registration, challenge

    def test_it_says_what_it_is(self):
        self.assertEqual(self.device.capabilities, CAPABILITY.WINK | CAPABILITY.CBOR)
        self.assertEqual(self.u2f.get_version(), "U2F_V2")
        info = self.ctap.get_info()
        self.assertIn("U2F_V2", info.versions)
        self.assertEqual((info.options["alwaysUv"], info.options["clientPin"]), (False, False))

    def test_u2f_registers_and_signs(self):
        registration, _ = self.register()
        self.assertEqual([one["operation"] for one in PERSON.asked()], ["register-u2f"])
        handle, counts = registration.key_handle, []
        for _ in range(2):
            challenge = os.urandom(32)
            signature = polled(lambda: self.u2f.authenticate(challenge, self.app, handle))
            signature.verify(self.app, challenge, registration.public_key)
            self.assertEqual(signature.user_presence, 1)
            counts.append(signature.counter)
        self.assertEqual([one["operation"] for one in PERSON.asked()], ["sign-in-u2f"] * 2)
        self.assertGreater(counts[1], counts[0])
        check = lambda app, handle: self.word(lambda: self.u2f.authenticate(bytes(32), app, handle, True))
        self.assertEqual(check(self.app, handle), APDU.USE_NOT_SATISFIED)
        self.assertEqual(check(bytes(32), handle), APDU.WRONG_DATA)
        self.assertEqual(check(self.app, bytes(32)), APDU.WRONG_DATA)
        self.assertEqual(PERSON.asked(), [])

    def test_status_words(self):
        send = self.u2f.send_apdu
        self.assertEqual(self.word(lambda: send(cla=0x80, ins=3)), 0x6E00)
        self.assertEqual(self.word(lambda: send(ins=0x40)), 0x6D00)
        self.assertEqual(self.word(lambda: send(ins=1, data=bytes(63))), 0x6700)

    def test_its_attestation_is_fido_u2f(self):
        registration, challenge = self.register()
        attested = AttestationObject.from_ctap1(self.app, registration)
        self.assertEqual(attested.fmt, "fido-u2f")
        FidoU2FAttestation().verify(attested.att_stmt, attested.auth_data, challenge)

    def test_a_key_of_u2f_signs_for_ctap2(self):
        registration, _ = self.register()
        attested = AttestationObject.from_ctap1(self.app, registration).auth_data.credential_data
        challenge = os.urandom(32)
        allowed = [{"type": "public-key", "id": registration.key_handle}]
        assertion = self.ctap.get_assertion(self.rp_id, challenge, allowed)
        assertion.verify(challenge, attested.public_key)

    def test_who_declines_is_asked_once(self):
        PERSON.next(PERSON.DENY)
        challenge, words = os.urandom(32), []
        for _ in range(10):
            words.append(self.word(lambda: self.u2f.register(challenge, self.app)))
            time.sleep(POLL_PERIOD)
        self.assertEqual(set(words), {APDU.USE_NOT_SATISFIED})
        self.assertEqual(len(PERSON.asked()), 1)

    def test_a_question_goes_with_its_client(self):
        PERSON.next(PERSON.HOLD)
        gone = self.connect()
        # Until the person holds the question.
        while (PERSON.folder / "queue").read_text():
            word = self.word(lambda: Ctap1(gone).register(bytes(32), self.app))
            self.assertEqual(word, APDU.USE_NOT_SATISFIED)
        gone.close()
        self.register()

    def test_without_a_pin_a_touch_is_enough(self):
        site = Undemanding(self.device, self.rp_id)
        site.register("alice", resident="discouraged")
        _, response, _ = site.sign_in(discoverable=False)
        self.assertFalse(response.response.authenticator_data.is_user_verified())
        self.assertEqual([one["want"] for one in PERSON.asked()], ["approval", "approval"])


class SecurityKeyWithPin(DeviceTest):
    """Runs last: the PIN stays."""

    def test_a_pin_verifies_and_presence_stays_enough(self):
        client = ClientPin(self.ctap)
        client.set_pin(PIN)
        with self.refused(ERR.PUAT_REQUIRED):
            self.ctap.make_credential(
                bytes(32),
                {"id": self.rp_id, "name": self.rp_id},
                {"id": b"user", "name": "user"},
                [{"type": "public-key", "alg": -7}],
            )
        made = self.register_raw(options={"rk": True})
        self.assertTrue(made.auth_data.is_user_verified())
        self.assertFalse(self.ctap.get_assertion(self.rp_id, bytes(32)).auth_data.is_user_verified())
        assertions, _ = self.sign_in_raw()
        self.assertTrue(assertions[0].auth_data.is_user_verified())

    def test_with_always_uv_u2f_is_off(self):
        token, protocol = self.token(PERMISSION.AUTHENTICATOR_CFG)
        toggle = lambda: Config(self.ctap, protocol, token).toggle_always_uv()
        toggle()
        other = self.connect()
        self.addCleanup(other.close)
        self.assertEqual(other.capabilities, CAPABILITY.WINK | CAPABILITY.CBOR | CAPABILITY.NMSG)
        self.assertNotIn("U2F_V2", self.ctap.get_info().versions)
        with self.refused(ERR.INVALID_COMMAND):
            Ctap1(other).get_version()
        toggle()
        self.assertEqual(Ctap1(self.device).get_version(), "U2F_V2")
