"""Registration, signing in, extensions and credential management."""

import hashlib
import os

from fido2.client import ClientError
from fido2.ctap2 import CredentialManagement
from fido2.ctap2.extensions import CredProtectExtension
from fido2.ctap2.pin import PinProtocolV1, PinProtocolV2

from ceremonies import ERR, PERMISSION, PERSON, PIN, DeviceTest, Site, TypesHere

ES256, RS256, EDDSA, ES256K = -7, -257, -8, -47


class ClientTest(DeviceTest):
    """A test that looks at the client's errors."""

    def fails(self, code, status):
        """Expects the client's error and the status under it."""
        test = self

        class Fails:
            def __enter__(self):
                return self

            def __exit__(self, kind, error, _trace):
                if kind is None:
                    test.fail(f"it was accepted; due is {status}")
                if not isinstance(error, ClientError):
                    return False
                test.assertEqual((error.code, error.cause and error.cause.code), (code, status))
                return True

        return Fails()


class Registration(ClientTest):
    def test_self_attestation_and_flags(self):
        site = Site(self.device, self.rp_id)
        site.register("alice")
        attestation = site.attestations[0]
        self.assertEqual(attestation.fmt, "packed")
        self.assertEqual(set(attestation.att_stmt), {"alg", "sig"})
        data = attestation.auth_data
        self.assertTrue(data.is_user_present() and data.is_user_verified() and data.is_attested())
        self.assertEqual(data.credential_data.public_key[3], ES256)
        self.assertEqual(bytes(data.credential_data.aaguid), bytes(self.ctap.info.aaguid))
        asked = PERSON.asked()
        self.assertEqual(asked[0]["want"], "pin")
        self.assertEqual({one["rp_id"] for one in asked}, {self.rp_id}, "the prompt names the relying party")

    def test_each_algorithm(self):
        for algorithm in (ES256, RS256, EDDSA):
            with self.subTest(algorithm=algorithm):
                site = Site(self.device, self.rp_id)
                site.offers(ES256K, algorithm, ES256)
                site.register("alice")
                self.assertEqual(site.credentials[0].public_key[3], algorithm)
                site.sign_in()

    def test_an_unknown_algorithm(self):
        site = Site(self.device, self.rp_id)
        site.offers(ES256K)
        with self.fails(ClientError.ERR.CONFIGURATION_UNSUPPORTED, ERR.UNSUPPORTED_ALGORITHM):
            site.register("alice")

    def test_by_the_clients_own_pin_prompt(self):
        site = Site(self.device, self.rp_id, TypesHere(PIN))
        site.register("alice")
        site.sign_in()
        # Each ceremony: consent to the token (CTAP 2.3 §6.5.5.7.2 step 7), then to what it is used for.
        self.assertEqual([one["operation"] for one in PERSON.asked()], ["verify", "register", "verify", "sign-in"])

    def test_both_protocols(self):
        for protocol in (PinProtocolV1(), PinProtocolV2()):
            made = self.register_raw(protocol=protocol, options={"rk": True})
            (assertion,), hash_ = self.sign_in_raw(protocol=protocol)
            assertion.verify(hash_, made.auth_data.credential_data.public_key)

    def test_the_exclude_list(self):
        site = Site(self.device, self.rp_id)
        site.register("alice", resident="discouraged")
        with self.fails(ClientError.ERR.DEVICE_INELIGIBLE, ERR.CREDENTIAL_EXCLUDED):
            site.register("bob", exclude=True)
        # Another relying party's passkey does not exclude.
        other = Site(self.device, "other-" + self.rp_id)
        other.credentials = list(site.credentials)
        other.register("alice", exclude=True)

    def test_the_same_account_again_replaces_its_passkey(self):
        site = Site(self.device, self.rp_id)
        site.register("alice")
        site.register("alice")
        first, second = (one.credential_id for one in site.credentials)
        self.assertNotEqual(first, second)
        credential, _, assertions = site.sign_in()
        self.assertEqual((credential.credential_id, len(assertions)), (second, 1))

    def test_bad_requests(self):
        good = {"type": "public-key", "alg": ES256}
        for status, more in (
            (ERR.UNSUPPORTED_ALGORITHM, {"key_params": [{"type": "public-key", "alg": 0}]}),
            (ERR.MISSING_PARAMETER, {"key_params": [{"alg": ES256}]}),
            (ERR.CBOR_UNEXPECTED_TYPE, {"key_params": [good, {"type": "public-key", "alg": "x"}]}),
            (ERR.INVALID_OPTION, {"options": {"up": False}}),
            (ERR.CBOR_UNEXPECTED_TYPE, {"options": {"rk": 1}}),
            (ERR.CBOR_UNEXPECTED_TYPE, {"exclude_list": [7]}),
            (ERR.CBOR_UNEXPECTED_TYPE, {"extensions": {"credProtect": "x"}}),
        ):
            with self.subTest(more=more), self.refused(status):
                self.register_raw(**more)


class SigningIn(ClientTest):
    def test_several_accounts_newest_first(self):
        site = Site(self.device, self.rp_id)
        for name in ("alice", "bob", "carol"):
            site.register(name)
        for choose, name in enumerate(("carol", "bob", "alice")):
            _, response, assertions = site.sign_in(choose=choose)
            self.assertEqual(response.response.user_handle, name.encode())
            self.assertEqual([one.user["id"] for one in assertions], [b"carol", b"bob", b"alice"])
            self.assertEqual(assertions[0].user.get("name"), "carol", "verified: with the account's name")

    def test_one_account(self):
        site = Site(self.device, self.rp_id)
        site.register("alice")
        _, response, assertions = site.sign_in()
        self.assertEqual(response.response.user_handle, b"alice")
        self.assertIsNone(assertions[0].number_of_credentials)
        data = response.response.authenticator_data
        self.assertTrue(data.is_user_present() and data.is_user_verified())

    def test_a_passkey_that_is_not_discoverable(self):
        site = Site(self.device, self.rp_id)
        site.register("alice", resident="discouraged")
        with self.fails(ClientError.ERR.DEVICE_INELIGIBLE, ERR.NO_CREDENTIALS):
            site.sign_in()
        site.sign_in(discoverable=False)

    def test_an_allow_list_with_strangers(self):
        site = Site(self.device, self.rp_id)
        site.register("alice")
        other = Site(self.device, "other-" + self.rp_id)
        other.register("alice")
        strangers = [{"type": "public-key", "id": os.urandom(length)} for length in (1, 16, 32, 64, 1023)]
        own = {"type": "public-key", "id": site.credentials[0].credential_id}
        foreign = {"type": "public-key", "id": other.credentials[0].credential_id}
        site.sign_in(discoverable=False, allow=[*strangers, foreign, own])
        with self.fails(ClientError.ERR.DEVICE_INELIGIBLE, ERR.NO_CREDENTIALS):
            site.sign_in(discoverable=False, allow=[*strangers, foreign])

    def test_the_counter_rises(self):
        made = self.register_raw(options={"rk": True})
        counts = [made.auth_data.counter]
        for _ in range(3):
            (assertion,), _ = self.sign_in_raw()
            counts.append(assertion.auth_data.counter)
        self.assertEqual(counts, sorted(set(counts)))

    def test_without_the_users_presence(self):
        made = self.register_raw(options={"rk": True})
        PERSON.asked()
        (assertion,), hash_ = self.sign_in_raw(options={"up": False})
        self.assertFalse(assertion.auth_data.is_user_present())
        assertion.verify(hash_, made.auth_data.credential_data.public_key)
        self.assertEqual([one["operation"] for one in PERSON.asked()], ["verify"], "only for the token")

    def test_no_further_assertion(self):
        with self.refused(ERR.NOT_ALLOWED):
            self.ctap.get_next_assertion()
        for user in (b"1", b"2"):
            self.register_raw(user=user, options={"rk": True})
        self.sign_in_raw()
        with self.refused(ERR.NOT_ALLOWED):
            self.ctap.get_next_assertion()


class Extensions(ClientTest):
    def test_cred_protect(self):
        for level, policy in enumerate(CredProtectExtension.POLICY, start=1):
            with self.subTest(level=level):
                site = Site(self.device, f"level{level}.{self.rp_id}")
                site.register("alice", extensions={"credentialProtectionPolicy": policy.value})
                output = site.attestations[0].auth_data.extensions or {}
                self.assertEqual(output.get("credProtect"), level)
                site.sign_in()

    def test_cred_props(self):
        site = Site(self.device, self.rp_id)
        response = site.register("alice", extensions={"credProps": True})
        self.assertIs(response.client_extension_results.cred_props.rk, True)

    def test_hmac_secret(self):
        site = Site(self.device, self.rp_id)
        response = site.register("alice", extensions={"hmacCreateSecret": True})
        self.assertIs(response.client_extension_results.get("hmacCreateSecret"), True)
        salts = [os.urandom(32), os.urandom(32)]

        def secrets(*chosen):
            names = dict(zip(("salt1", "salt2"), chosen))
            _, response, _ = site.sign_in(extensions={"hmacGetSecret": names})
            result = response.client_extension_results.hmac_get_secret
            return (result.output1, result.output2)

        one, _ = secrets(salts[0])
        self.assertEqual(len(one), 32)
        both = secrets(*salts)
        self.assertEqual(both[0], one, "the same salt, the same secret")
        self.assertNotEqual(both[1], one)
        self.assertEqual(secrets(*reversed(salts)), (both[1], both[0]))

    def test_prf(self):
        site = Site(self.device, self.rp_id)
        response = site.register("alice", extensions={"prf": {}})
        self.assertIs(response.client_extension_results.prf.enabled, True)
        results = []
        for first in (b"one", b"one", b"two"):
            _, response, _ = site.sign_in(extensions={"prf": {"eval": {"first": first}}})
            results.append(response.client_extension_results.prf.results.first)
        self.assertEqual(results[0], results[1])
        self.assertNotEqual(results[0], results[2])
        other = Site(self.device, "other-" + self.rp_id)
        other.register("alice", extensions={"prf": {}})
        _, response, _ = other.sign_in(extensions={"prf": {"eval": {"first": b"one"}}})
        self.assertNotEqual(response.client_extension_results.prf.results.first, results[0])

    def test_a_passkey_without_a_secret_gives_none(self):
        site = Site(self.device, self.rp_id)
        site.register("alice")
        _, response, _ = site.sign_in(extensions={"prf": {"eval": {"first": b"one"}}})
        self.assertIsNone(response.client_extension_results.get("prf"))

    def test_hmac_secret_with_a_wrong_mac(self):
        self.register_raw(options={"rk": True}, extensions={"hmac-secret": True})
        for protocol in (PinProtocolV1(), PinProtocolV2()):
            for change in (lambda mac: mac[:-1] + bytes([mac[-1] ^ 1]), lambda mac: mac[: len(mac) // 2]):
                with self.refused(ERR.PIN_AUTH_INVALID):
                    self.sign_in_raw(extensions={"hmac-secret": self.salts(protocol, bytes(32), change)})
            for length in (16, 48, 96):
                with self.subTest(length=length), self.assertRaises(Exception) as refusal:
                    self.sign_in_raw(extensions={"hmac-secret": self.salts(protocol, bytes(length))})
                self.assertIn(refusal.exception.code, (ERR.INVALID_LENGTH, ERR.INVALID_PARAMETER))

    def salts(self, protocol, salts, change=lambda mac: mac):
        key_agreement, secret = self.pin_client(protocol)._get_shared_secret()
        encrypted = protocol.encrypt(secret, salts)
        mac = change(protocol.authenticate(secret, encrypted))
        return {1: key_agreement, 2: encrypted, 3: mac, 4: protocol.VERSION}


class Management(DeviceTest):
    def management(self, protocol=None):
        token, protocol = self.token(PERMISSION.CREDENTIAL_MGMT, None, protocol)
        return CredentialManagement(self.ctap, protocol, token)

    def test_list_rename_delete(self):
        result = CredentialManagement.RESULT
        id_hash = hashlib.sha256(self.rp_id.encode()).digest()
        for protocol in (PinProtocolV1(), PinProtocolV2()):
            before = self.management(protocol).get_metadata()
            made = [self.register_raw(user=user, options={"rk": True}) for user in (b"1", b"2")]
            ids = {one.auth_data.credential_data.credential_id: one for one in made}
            manager = self.management(protocol)
            metadata = manager.get_metadata()
            count = result.EXISTING_CRED_COUNT
            self.assertEqual(metadata[count], before[count] + 2)
            parties = {one[result.RP]["id"]: one[result.RP_ID_HASH] for one in manager.enumerate_rps()}
            self.assertEqual(parties[self.rp_id], id_hash)

            found = manager.enumerate_creds(id_hash)
            self.assertEqual({one[result.CREDENTIAL_ID]["id"] for one in found}, set(ids))
            for one in found:
                key = ids[one[result.CREDENTIAL_ID]["id"]].auth_data.credential_data.public_key
                self.assertEqual(dict(one[result.PUBLIC_KEY]), dict(key))
                self.assertIn(one[result.CRED_PROTECT], (1, 2, 3))
            first, second = found
            renamed = {"id": first[result.USER]["id"], "name": "new name"}
            manager.update_user_info(first[result.CREDENTIAL_ID], renamed)
            users = [one[result.USER] for one in manager.enumerate_creds(id_hash)]
            self.assertIn(renamed, users, "what the new account does not say is dropped")
            with self.refused(ERR.INVALID_PARAMETER):
                manager.update_user_info(second[result.CREDENTIAL_ID], renamed)

            manager = self.management(protocol)
            for one in found:
                manager.delete_cred(one[result.CREDENTIAL_ID])
            self.assertEqual(manager.enumerate_creds(id_hash), [])
            self.assertNotIn(self.rp_id, [one[result.RP]["id"] for one in manager.enumerate_rps()])
            self.assertEqual(manager.get_metadata()[count], before[count])
            with self.refused(ERR.NO_CREDENTIALS):
                manager.delete_cred(second[result.CREDENTIAL_ID])

    def test_it_needs_its_permission(self):
        for permission in (PERMISSION.MAKE_CREDENTIAL, PERMISSION.GET_ASSERTION):
            token, protocol = self.token(permission, self.rp_id)
            with self.refused(ERR.PIN_AUTH_INVALID):
                CredentialManagement(self.ctap, protocol, token).get_metadata()

    def test_a_next_without_a_beginning(self):
        with self.refused(ERR.NOT_ALLOWED):
            self.management().enumerate_rps_next()
        with self.refused(ERR.NOT_ALLOWED):
            self.management().enumerate_creds_next()
