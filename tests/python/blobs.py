"""What sites and programs keep with a passkey: large blobs, credBlob, secrets at registration, the payment bit."""

import hashlib
import os
import struct

from fido2 import cbor
from fido2.client import ClientError
from fido2.ctap2 import CredentialManagement
from fido2.ctap2.blob import LargeBlobs
from fido2.utils import sha256

from ceremonies import ERR, PERMISSION, DeviceTest, Site


class Blobs(DeviceTest):
    def large_blobs(self, permissions=PERMISSION.LARGE_BLOB_WRITE, rp_id=None):
        token, protocol = self.token(permissions, rp_id)
        return LargeBlobs(self.ctap, protocol, token)

    def set_raw(self, blobs, data, length=None, offset=0, mac=lambda mac: mac):
        """One fragment, with a MAC as CTAP spells it."""
        message = b"\xff" * 32 + b"\x0c\x00" + struct.pack("<I", offset) + sha256(data)
        self.ctap.large_blobs(
            offset,
            set=data,
            length=length,
            pin_uv_protocol=blobs.pin_uv.protocol.VERSION,
            pin_uv_param=mac(blobs.pin_uv.protocol.authenticate(blobs.pin_uv.token, message)),
        )

    def test_the_array(self):
        blobs = self.large_blobs()
        self.assertEqual(blobs.read_blob_array(), [])
        first, second = os.urandom(32), os.urandom(32)
        long = os.urandom(20_000)
        blobs.put_blob(first, long)
        blobs.put_blob(second, b"short")
        self.assertEqual((blobs.get_blob(first), blobs.get_blob(second)), (long, b"short"))
        blobs.delete_blob(first)
        # Another connection reads it without a token.
        device = self.connect()
        self.addCleanup(device.close)
        elsewhere = LargeBlobs(type(self.ctap)(device))
        self.assertEqual((elsewhere.get_blob(first), elsewhere.get_blob(second)), (None, b"short"))
        blobs.write_blob_array([])
        self.assertEqual(blobs.read_blob_array(), [])

    def test_the_array_has_bounds(self):
        blobs = self.large_blobs()
        longest = self.ctap.info.max_large_blob - 16
        array = [{1: os.urandom(longest - 10)}]
        array.extend([0] * (longest - len(cbor.encode(array))))
        blobs.write_blob_array(array)
        self.assertEqual(blobs.read_blob_array(), array)
        with self.refused(ERR.LARGE_BLOB_STORAGE_FULL):
            blobs.write_blob_array([*array, 1])
        self.assertEqual(blobs.read_blob_array(), array, "what was there is there")
        blobs.write_blob_array([])

    def test_refused_writings_change_nothing(self):
        blobs = self.large_blobs()
        data = cbor.encode([])
        whole = data + sha256(data)[:16]
        broken = whole[:-1] + bytes([whole[-1] ^ 1])
        for status, call in (
            (ERR.INTEGRITY_FAILURE, lambda: self.set_raw(blobs, broken, len(broken))),
            (ERR.PIN_AUTH_INVALID, lambda: self.set_raw(blobs, whole, len(whole), mac=lambda mac: mac[:16])),
            (ERR.INVALID_SEQ, lambda: self.set_raw(blobs, whole, offset=17)),
            (ERR.INVALID_PARAMETER, lambda: self.set_raw(blobs, whole)),
            (ERR.PUAT_REQUIRED, lambda: LargeBlobs(self.ctap).put_blob(os.urandom(32), b"x")),
            (ERR.INVALID_LENGTH, lambda: self.ctap.large_blobs(0, get=self.ctap.info.max_msg_size - 63)),
        ):
            with self.subTest(status=status), self.refused(status):
                call()
        self.assertEqual(blobs.read_blob_array(), [])
        with self.refused(ERR.PIN_AUTH_INVALID):
            self.large_blobs(PERMISSION.CREDENTIAL_MGMT).put_blob(os.urandom(32), b"x")

    def test_a_large_blob_of_a_passkey(self):
        site = Site(self.device, self.rp_id)
        response = site.register("alice", extensions={"largeBlob": {"support": "required"}})
        self.assertIs(response.client_extension_results.large_blob.supported, True)
        bob = site.register("bob", extensions={"largeBlob": {"support": "preferred"}})
        self.assertIs(bob.client_extension_results.large_blob.supported, True)

        def use(credential, **wish):
            _, response, _ = site.sign_in(discoverable=False, allow=[credential], extensions={"largeBlob": wish})
            return response.client_extension_results.large_blob

        alice, bob = site.credentials
        self.assertIs(use(alice, write=b"of alice").written, True)
        self.assertIs(use(bob, write=b"of bob").written, True)
        self.assertEqual((use(alice, read=True).blob, use(bob, read=True).blob), (b"of alice", b"of bob"))
        self.large_blobs().write_blob_array([])

    def test_a_key_for_a_large_blob_has_rules(self):
        for value, rk, status in (
            (False, True, ERR.INVALID_OPTION),
            (True, False, ERR.INVALID_OPTION),
            (1, True, ERR.CBOR_UNEXPECTED_TYPE),
        ):
            with self.subTest(value=value, rk=rk), self.refused(status):
                self.register_raw(options={"rk": rk}, extensions={"largeBlobKey": value})
        made = self.register_raw(options={"rk": True}, extensions={"largeBlobKey": True})
        self.assertEqual(len(made.large_blob_key), 32)
        (assertion,), _ = self.sign_in_raw(extensions={"largeBlobKey": True})
        self.assertEqual(assertion.large_blob_key, made.large_blob_key)
        with self.refused(ERR.INVALID_OPTION):
            self.sign_in_raw(extensions={"largeBlobKey": False})

    def test_cred_blob(self):
        site = Site(self.device, self.rp_id)
        blob = os.urandom(32)
        site.register("alice", extensions={"credBlob": blob})
        self.assertIs(site.attestations[-1].auth_data.extensions["credBlob"], True)
        _, response, _ = site.sign_in(extensions={"getCredBlob": True})
        self.assertEqual(response.response.authenticator_data.extensions["credBlob"], blob)
        longest = self.ctap.info.max_cred_blob_length
        for length, kept in ((longest, True), (longest + 1, False)):
            made = self.register_raw(options={"rk": True}, extensions={"credBlob": bytes(length)})
            self.assertIs(made.auth_data.extensions["credBlob"], kept)

    def test_a_secret_at_registration(self):
        site = Site(self.device, self.rp_id)
        prf = {"eval": {"first": b"one", "second": b"two"}}
        made = site.register("alice", extensions={"prf": prf}).client_extension_results.prf
        self.assertIs(made.enabled, True)
        _, response, _ = site.sign_in(extensions={"prf": prf})
        self.assertEqual(response.client_extension_results.prf.results, made.results)
        self.assertEqual(len(made.results.second), 32)
        with self.refused(ERR.MISSING_PARAMETER):
            self.register_raw(extensions={"hmac-secret-mc": self._mc_input()})

    def _mc_input(self):
        client = self.pin_client()
        key_agreement, shared = client._get_shared_secret()
        encrypted = client.protocol.encrypt(shared, bytes(32))
        return {
            1: key_agreement,
            2: encrypted,
            3: client.protocol.authenticate(shared, encrypted),
            4: client.protocol.VERSION,
        }

    def test_third_party_payment(self):
        site = Site(self.device, self.rp_id)
        site.register("alice", extensions={"payment": {"isPayment": True}})
        site.register("bob")
        token, protocol = self.token(PERMISSION.CREDENTIAL_MGMT)
        management = CredentialManagement(self.ctap, protocol, token)
        listed = management.enumerate_creds(hashlib.sha256(self.rp_id.encode()).digest())
        key = CredentialManagement.RESULT.THIRD_PARTY_PAYMENT
        self.assertEqual([one[key] for one in listed], [False, True], "newest first")
        for credential, bit in zip(site.credentials, (True, False)):
            allow = {"discoverable": False, "allow": [credential]}
            _, response, _ = site.sign_in(extensions={"payment": {"isPayment": True}}, **allow)
            self.assertIs(response.response.authenticator_data.extensions["thirdPartyPayment"], bit)

    def test_a_site_that_insists_on_more_than_there_is(self):
        site = Site(self.device, self.rp_id)
        with self.assertRaises(ClientError):
            site.register("alice", resident="discouraged", extensions={"largeBlob": {"support": "required"}})
