"""clientPIN with both protocols, tokens and their permissions, and the limits on wrong PINs."""

import os
import time

from fido2.ctap2 import ClientPin
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2

from ceremonies import ERR, PERMISSION, PERSON, PIN, DeviceTest

PROTOCOLS = (PinProtocolV1(), PinProtocolV2())
WRONG = "000000"
STARTED = time.monotonic()


class WithoutPin(DeviceTest):
    def test_get_info(self):
        info = self.ctap.info
        self.assertIn("FIDO_2_0", info.versions)
        self.assertIn("FIDO_2_1", info.versions)
        self.assertNotIn("FIDO_2_2", info.versions)
        self.assertNotIn("U2F_V2", info.versions)
        self.assertEqual(info.pin_uv_protocols, [2, 1])
        self.assertLessEqual({"credProtect", "hmac-secret"}, set(info.extensions))
        options = info.options
        on = {name for name, value in options.items() if value}
        self.assertLessEqual({"rk", "up", "alwaysUv", "pinUvAuthToken", "credMgmt"}, on)
        self.assertIs(options["clientPin"], False)
        self.assertIs(options["uv"], False)
        self.assertFalse(options.get("plat", False))
        self.assertFalse(options.get("makeCredUvNotRqd", False))
        self.assertIn(info.min_pin_length, (4, 6))
        self.assertLessEqual(info.max_msg_size, 7609)
        algorithms = [one["alg"] for one in info.algorithms]
        self.assertEqual(algorithms[0], -7)
        self.assertLessEqual({-7, -257, -8}, set(algorithms))
        self.assertNotEqual(bytes(info.aaguid), bytes(16))

    def test_what_needs_a_pin(self):
        for protocol in PROTOCOLS:
            client = self.pin_client(protocol)
            with self.refused(ERR.PIN_NOT_SET):
                client.get_pin_retries()
            with self.refused(ERR.PIN_NOT_SET):
                client.get_pin_token(PIN, PERMISSION.GET_ASSERTION, self.rp_id)
            with self.refused(ERR.PIN_NOT_SET):
                client.get_pin_token(PIN)
            with self.refused(ERR.PIN_NOT_SET):
                client.change_pin(PIN, PIN)
            with self.refused(ERR.NOT_ALLOWED):
                client.get_uv_token(PERMISSION.GET_ASSERTION, self.rp_id)
        with self.refused(ERR.PUAT_REQUIRED):
            self.ctap.make_credential(
                bytes(32), {"id": self.rp_id, "name": "x"}, {"id": b"x"}, [{"type": "public-key", "alg": -7}]
            )
        self.assertEqual(PERSON.asked(), [])

    def test_pins_that_are_refused(self):
        shortest = self.ctap.info.min_pin_length
        for protocol in PROTOCOLS:
            # The last two have few code points, but enough bytes; and one byte too many.
            for pin in (b"", b"1", b"1" * (shortest - 1), "ä".encode() * (shortest - 1), b"1" * 64):
                with self.subTest(protocol=protocol.VERSION, pin=pin), self.refused(ERR.PIN_POLICY_VIOLATION):
                    self.set_padded(protocol, pin.ljust(64, b"\0"))
            for padded in (b"1" * 32, PIN.encode().ljust(128, b"\0")):
                with self.subTest(padded=padded), self.assertRaises(Exception) as refusal:
                    self.set_padded(protocol, padded)
                self.assertIn(refusal.exception.code, (ERR.PIN_POLICY_VIOLATION, ERR.INVALID_PARAMETER))
        self.assertIs(self.ctap.get_info().options["clientPin"], False)

    def test_a_new_pin_with_a_wrong_mac(self):
        for protocol in PROTOCOLS:
            with self.refused(ERR.PIN_AUTH_INVALID):
                self.set_padded(protocol, PIN.encode().ljust(64, b"\0"), mac=lambda mac: mac[:-1] + b"?")
        with self.refused(ERR.PIN_AUTH_INVALID):
            # Half of protocol two's MAC (CVE-2025-29991).
            self.set_padded(PinProtocolV2(), PIN.encode().ljust(64, b"\0"), mac=lambda mac: mac[:16])

    def set_padded(self, protocol, padded, mac=lambda mac: mac):
        key_agreement, secret = self.pin_client(protocol)._get_shared_secret()
        encrypted = protocol.encrypt(secret, padded)
        self.ctap.client_pin(
            protocol.VERSION,
            ClientPin.CMD.SET_PIN,
            key_agreement=key_agreement,
            new_pin_enc=encrypted,
            pin_uv_param=mac(protocol.authenticate(secret, encrypted)),
        )


class SettingThePin(DeviceTest):
    def test_set_pin(self):
        self.pin_client(PinProtocolV1()).set_pin(PIN)
        options = self.ctap.get_info().options
        self.assertIs(options["clientPin"], True)
        self.assertIs(options["uv"], True)
        self.assertEqual(self.pin_client().get_pin_retries()[0], 8)


class Pins(DeviceTest):
    def test_a_second_set_is_refused(self):
        for protocol in PROTOCOLS:
            with self.refused(ERR.PIN_AUTH_INVALID):
                self.pin_client(protocol).set_pin("111111")
            self.pin_client(protocol).get_pin_token(PIN)

    def test_change_pin(self):
        old = PIN
        for protocol in PROTOCOLS:
            # Letters beyond ASCII, and the longest that there is.
            for new in ("päßwörd", "1" * 63, PIN):
                self.pin_client(protocol).change_pin(old, new)
                with self.refused(ERR.PIN_INVALID):
                    self.pin_client(protocol).get_pin_token(old)
                self.pin_client(protocol).get_pin_token(new)
                old = new

    def test_change_pin_with_the_wrong_old_one(self):
        for protocol in PROTOCOLS:
            client = self.pin_client(protocol)
            with self.refused(ERR.PIN_INVALID):
                client.change_pin(WRONG, "222222")
            self.assertEqual(client.get_pin_retries()[0], 7)
            client.get_pin_token(PIN)
            self.assertEqual(client.get_pin_retries()[0], 8)

    def test_a_wrong_pin_costs_a_try_and_the_right_one_gives_them_back(self):
        for protocol in PROTOCOLS:
            client = self.pin_client(protocol)
            for left in (7, 6):
                with self.refused(ERR.PIN_INVALID):
                    client.get_pin_token(WRONG, PERMISSION.GET_ASSERTION, self.rp_id)
                self.assertEqual(client.get_pin_retries()[0], left)
            client.get_pin_token(PIN, PERMISSION.GET_ASSERTION, self.rp_id)
            self.assertEqual(client.get_pin_retries()[0], 8)

    def test_a_wrong_pin_changes_the_key_agreement(self):
        def key():
            return self.ctap.client_pin(2, ClientPin.CMD.GET_KEY_AGREEMENT)[ClientPin.RESULT.KEY_AGREEMENT]

        before = key()
        self.assertEqual(key(), before)
        with self.refused(ERR.PIN_INVALID):
            self.pin_client().get_pin_token(WRONG)
        self.assertNotEqual(key(), before)
        self.pin_client().get_pin_token(PIN)


class Tokens(DeviceTest):
    def test_every_way_to_a_token(self):
        for protocol in PROTOCOLS:
            client = self.pin_client(protocol)
            permissions = PERMISSION.MAKE_CREDENTIAL | PERMISSION.GET_ASSERTION
            for token in (
                client.get_pin_token(PIN),
                client.get_pin_token(PIN, permissions, self.rp_id),
                client.get_uv_token(permissions, self.rp_id),
            ):
                self.assertEqual(len(token), 32)
        self.assertEqual([one["want"] for one in PERSON.asked()], ["approval", "approval", "pin"] * 2)

    def test_a_legacy_token_registers_and_signs(self):
        for protocol in PROTOCOLS:
            token = self.pin_client(protocol).get_pin_token(PIN)
            self.register_raw(token=token, protocol=protocol, options={"rk": True})
            token = self.pin_client(protocol).get_pin_token(PIN)
            self.sign_in_raw(token=token, protocol=protocol)

    def test_permissions_and_the_relying_party_bind(self):
        for protocol in PROTOCOLS:
            token, _ = self.token(PERMISSION.GET_ASSERTION, self.rp_id, protocol)
            with self.refused(ERR.PIN_AUTH_INVALID):
                self.register_raw(token=token, protocol=protocol)
            token, _ = self.token(PERMISSION.MAKE_CREDENTIAL, self.rp_id, protocol)
            with self.refused(ERR.PIN_AUTH_INVALID):
                self.register_raw(rp_id="other.example", token=token, protocol=protocol)
            with self.refused(ERR.PIN_AUTH_INVALID):
                self.sign_in_raw(token=token, protocol=protocol)

    def test_a_token_serves_one_registration(self):
        token, protocol = self.token(PERMISSION.MAKE_CREDENTIAL, self.rp_id)
        self.register_raw(token=token, protocol=protocol)
        with self.refused(ERR.PIN_AUTH_INVALID):
            self.register_raw(token=token, protocol=protocol)

    def test_a_change_of_the_pin_ends_tokens(self):
        token, protocol = self.token(PERMISSION.MAKE_CREDENTIAL, self.rp_id)
        self.pin_client().change_pin(PIN, PIN)
        with self.refused(ERR.PIN_AUTH_INVALID):
            self.register_raw(token=token, protocol=protocol)

    def test_no_half_of_a_mac(self):
        for protocol, length in zip(PROTOCOLS, (16, 32)):
            for cut in (1, length // 2, length - 1):
                token, _ = self.token(PERMISSION.GET_ASSERTION, self.rp_id, protocol)
                with self.subTest(cut=cut), self.refused(ERR.PIN_AUTH_INVALID):
                    self.ctap.get_assertion(
                        self.rp_id,
                        bytes(32),
                        pin_uv_param=protocol.authenticate(token, bytes(32))[:cut],
                        pin_uv_protocol=protocol.VERSION,
                    )

    def test_bad_permissions(self):
        with self.refused(ERR.INVALID_PARAMETER):
            self.pin_client().get_pin_token(PIN, PERMISSION(0), self.rp_id)
        if "bioEnroll" not in self.ctap.info.options:
            with self.refused(ERR.UNAUTHORIZED_PERMISSION):
                self.pin_client().get_pin_token(PIN, PERMISSION.BIO_ENROLL, self.rp_id)
        with self.refused(ERR.MISSING_PARAMETER):
            self.pin_client().get_pin_token(PIN, PERMISSION.GET_ASSERTION)

    def test_always_uv(self):
        self.register_raw(options={"rk": True})
        PERSON.asked()
        # Without a token the authenticator verifies by itself (CTAP 2.3 §6.2.2).
        assertion = self.ctap.get_assertion(self.rp_id, bytes(32))
        self.assertTrue(assertion.auth_data.is_user_verified())
        self.assertEqual([one["want"] for one in PERSON.asked()], ["pin"])
        # Without presence alwaysUv does not apply, but credProtect hides the passkey.
        with self.refused(ERR.NO_CREDENTIALS):
            self.ctap.get_assertion(self.rp_id, bytes(32), options={"up": False})
        self.assertEqual(PERSON.asked(), [])


class Reset(DeviceTest):
    def test_reset_long_after_power_up(self):
        time.sleep(max(0, STARTED + 10.5 - time.monotonic()))
        with self.refused(ERR.NOT_ALLOWED):
            self.ctap.reset()
        self.pin_client().get_pin_token(PIN)


class Blocking(DeviceTest):
    def test_three_wrong_pins_in_a_row_block_until_a_restart(self):
        for protocol, status in zip(PROTOCOLS, (ERR.PIN_INVALID, ERR.PIN_INVALID)):
            with self.refused(status):
                self.pin_client(protocol).get_pin_token(WRONG)
        with self.refused(ERR.PIN_AUTH_BLOCKED):
            self.pin_client().get_pin_token(WRONG)
        self.assertEqual(self.pin_client().get_pin_retries()[0], 5)
        for protocol in PROTOCOLS:
            with self.refused(ERR.PIN_AUTH_BLOCKED):
                self.pin_client(protocol).get_pin_token(PIN, PERMISSION.GET_ASSERTION, os.urandom(4).hex())
        self.assertEqual(self.pin_client().get_pin_retries(), (5, True), "and the right one costs no try")
