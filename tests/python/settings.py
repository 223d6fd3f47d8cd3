"""authenticatorConfig, and the persistent token with what only its holder can read."""

import hashlib

from fido2.ctap2 import Config, CredentialManagement
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2

from ceremonies import ERR, PERMISSION, PERSON, PIN, DeviceTest

PROTOCOLS = (PinProtocolV1(), PinProtocolV2())
OTHER_PIN = "720518"
LONG_TOUCH = 0x04


class Settings(DeviceTest):
    def config(self, protocol=None):
        token, protocol = self.token(PERMISSION.AUTHENTICATOR_CFG, None, protocol)
        (asked,) = PERSON.asked()
        self.assertEqual(asked["operation"], "configure")
        return Config(self.ctap, protocol, token)

    def test_what_pins_are_held_to_is_told_to_whom_it_concerns(self):
        asked = {"minPinLength": True, "pinComplexityPolicy": True}
        for protocol in PROTOCOLS:
            shortest = self.ctap.get_info().min_pin_length
            self.config(protocol).set_min_pin_length(shortest, rp_ids=[self.rp_id])
            told = self.register_raw(extensions=asked).auth_data.extensions
            self.assertEqual(told, {"minPinLength": shortest, "pinComplexityPolicy": False})
            told = self.register_raw("not-" + self.rp_id, extensions=asked).auth_data.extensions
            self.assertIsNone(told)
            PERSON.asked()
            with self.refused(ERR.PIN_POLICY_VIOLATION):
                self.config(protocol).set_min_pin_length(shortest - 1)
            most = self.ctap.info.max_rpids_for_min_pin
            with self.refused(ERR.KEY_STORE_FULL):
                self.config(protocol).set_min_pin_length(rp_ids=[f"{n}.example" for n in range(most + 1)])

    def test_a_pin_that_must_be_changed(self):
        self.config().set_min_pin_length(force_change_pin=True)
        self.assertIs(self.ctap.get_info().force_pin_change, True)
        with self.refused(ERR.PIN_POLICY_VIOLATION):
            self.pin_client().get_pin_token(PIN, PERMISSION.GET_ASSERTION, self.rp_id)
        with self.refused(ERR.PIN_POLICY_VIOLATION):
            self.pin_client().change_pin(PIN, PIN)
        self.pin_client().change_pin(PIN, OTHER_PIN)
        self.pin_client().change_pin(OTHER_PIN, PIN)
        self.assertIs(self.ctap.get_info().force_pin_change, False)
        self.pin_client().get_pin_token(PIN, PERMISSION.GET_ASSERTION, self.rp_id)

    def test_always_uv_cannot_be_turned_off_here(self):
        self.assertNotIn(Config.CMD.TOGGLE_ALWAYS_UV, self.ctap.info.authenticator_config_commands)
        config = self.config()
        config._subcommands = None
        with self.refused(ERR.OPERATION_DENIED):
            config.toggle_always_uv()
        self.assertIs(self.ctap.get_info().options["alwaysUv"], True)

    def test_a_long_touch_for_a_reset(self):
        self.assertIn(LONG_TOUCH, self.ctap.info.authenticator_config_commands)
        self.config()._call(LONG_TOUCH)
        self.assertIs(self.ctap.get_info().long_touch_for_reset, True)

    def test_it_needs_its_permission(self):
        token, protocol = self.token(PERMISSION.CREDENTIAL_MGMT)
        with self.refused(ERR.PIN_AUTH_INVALID):
            Config(self.ctap, protocol, token).set_min_pin_length(8)
        with self.refused(ERR.PUAT_REQUIRED):
            Config(self.ctap).set_min_pin_length(8)


class PersistentToken(DeviceTest):
    def test_its_holder_lists_passkeys_and_knows_the_device(self):
        self.assertTrue(CredentialManagement.is_readonly_supported(self.ctap.info))
        with self.refused(ERR.UNAUTHORIZED_PERMISSION):
            self.token(PERMISSION.PERSISTENT_CREDENTIAL_MGMT | PERMISSION.CREDENTIAL_MGMT)
        made = self.register_raw(options={"rk": True}).auth_data.credential_data.credential_id
        PERSON.asked()
        tokens = set()
        for protocol in PROTOCOLS:
            token, protocol = self.token(PERMISSION.PERSISTENT_CREDENTIAL_MGMT, None, protocol)
            tokens.add(token)
        tokens.add(self.pin_client().get_uv_token(PERMISSION.PERSISTENT_CREDENTIAL_MGMT))
        self.assertEqual(len(tokens), 1, "everybody gets the same")
        self.assertEqual({one["operation"] for one in PERSON.asked()}, {"keep-listing"})

        result = CredentialManagement.RESULT
        for protocol in PROTOCOLS:
            manager = CredentialManagement(self.ctap, protocol, token)
            self.assertGreater(manager.get_metadata()[result.EXISTING_CRED_COUNT], 0)
            self.assertIn(self.rp_id, [one[result.RP]["id"] for one in manager.enumerate_rps()])
            (found,) = manager.enumerate_creds(hashlib.sha256(self.rp_id.encode()).digest())
            self.assertEqual(found[result.CREDENTIAL_ID]["id"], made)
            with self.refused(ERR.PIN_AUTH_INVALID):
                manager.delete_cred(found[result.CREDENTIAL_ID])
        self.assertEqual(PERSON.asked(), [], "nobody is asked")

        one, two = self.ctap.get_info(), self.ctap.get_info()
        self.assertEqual(one.get_identifier(token), two.get_identifier(token))
        self.assertNotEqual(one.enc_identifier, two.enc_identifier)
        self.assertEqual(one.get_cred_store_state(token), two.get_cred_store_state(token))
        self.register_raw(user=b"another", options={"rk": True})
        after = self.ctap.get_info()
        self.assertNotEqual(one.get_cred_store_state(token), after.get_cred_store_state(token))
        self.assertEqual(one.get_identifier(token), after.get_identifier(token))

        self.pin_client().change_pin(PIN, OTHER_PIN)
        self.pin_client().change_pin(OTHER_PIN, PIN)
        with self.refused(ERR.PIN_AUTH_INVALID):
            manager.get_metadata()
        self.assertIsNone(self.ctap.get_info().enc_identifier)
