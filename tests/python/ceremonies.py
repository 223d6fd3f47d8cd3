"""What several tests do: talk to the device, register and sign in as python-fido2's client and server do."""

import os
import unittest

from fido2.attestation import Attestation
from fido2.client import DefaultClientDataCollector, Fido2Client, UserInteraction
from fido2.ctap import CtapError
from fido2.ctap2 import ClientPin, Ctap2
from fido2.ctap2.extensions import (
    CredBlobExtension,
    CredPropsExtension,
    CredProtectExtension,
    HmacSecretExtension,
    LargeBlobExtension,
    ThirdPartyPaymentExtension,
)
from fido2.server import Fido2Server
from fido2.webauthn import PublicKeyCredentialParameters

from latchkey_ctap import Person, over_hidraw, over_unix, wanted

PERMISSION = ClientPin.PERMISSION
ERR = CtapError.ERR

PERSON = Person(wanted("LATCHKEY_PROMPTER"))
DEVICE = wanted("LATCHKEY_CTAPHID")
OVER_HIDRAW = DEVICE.startswith("/dev/")

# The PIN once it is set; six digits, so that it is long enough for the software container too.
PIN = "493817"


class NobodyTypesHere(UserInteraction):
    """A client that has no prompt of its own: the authenticator's must do."""

    def request_pin(self, permissions, rp_id):
        raise AssertionError("the client was to ask for the PIN, although built-in verification is there")


class TypesHere(UserInteraction):
    """A client that asks for the PIN itself and sends it by clientPIN."""

    def __init__(self, pin):
        self.pin = pin

    def request_uv(self, permissions, rp_id):
        return False

    def request_pin(self, permissions, rp_id):
        return self.pin


class DeviceTest(unittest.TestCase):
    """A test with a device of its own and nothing queued at the prompt."""

    def setUp(self):
        PERSON.knows(PIN)
        PERSON.asked()
        self.device = self.connect()
        self.addCleanup(self.device.close)
        self.ctap = Ctap2(self.device)
        # Its own relying party, so that no test sees another's passkeys.
        self.rp_id = self.id().rsplit(".", 1)[-1].replace("_", "-") + ".example"

    def connect(self):
        return over_hidraw(DEVICE) if OVER_HIDRAW else over_unix(DEVICE)

    def refused(self, status):
        """Expects a status."""
        return _Refused(self, status)

    def pin_client(self, protocol=None):
        return ClientPin(self.ctap, protocol)

    def token(self, permissions, rp_id=None, protocol=None):
        """A pinUvAuthToken by the PIN, and its protocol."""
        client = self.pin_client(protocol)
        return client.get_pin_token(PIN, permissions, rp_id), client.protocol

    def register_raw(self, rp_id=None, user=b"user", protocol=None, token=None, **more):
        """authenticatorMakeCredential with a token, without a WebAuthn client."""
        rp_id = rp_id or self.rp_id
        if token is None:
            token, protocol = self.token(PERMISSION.MAKE_CREDENTIAL, rp_id, protocol)
        challenge_hash = os.urandom(32)
        more = {"key_params": [{"type": "public-key", "alg": -7}]} | more
        return self.ctap.make_credential(
            challenge_hash,
            {"id": rp_id, "name": rp_id},
            {"id": user, "name": "user", "displayName": "User"},
            pin_uv_param=protocol.authenticate(token, challenge_hash),
            pin_uv_protocol=protocol.VERSION,
            **more,
        )

    def sign_in_raw(self, rp_id=None, allow=None, token=None, protocol=None, hash_=None, **more):
        """authenticatorGetAssertion with a token; returns all assertions and the hash that they sign."""
        rp_id = rp_id or self.rp_id
        if token is None:
            token, protocol = self.token(PERMISSION.GET_ASSERTION, rp_id, protocol)
        hash_ = hash_ or os.urandom(32)
        assertions = self.ctap.get_assertions(
            rp_id,
            hash_,
            allow and [{"type": "public-key", "id": one} for one in allow],
            pin_uv_param=protocol.authenticate(token, hash_),
            pin_uv_protocol=protocol.VERSION,
            **more,
        )
        return assertions, hash_


class _Refused:
    def __init__(self, test, status):
        self.test, self.status = test, status

    def __enter__(self):
        return self

    def __exit__(self, kind, error, _trace):
        if kind is None:
            self.test.fail(f"it was accepted; due is {self.status}")
        if not isinstance(error, CtapError):
            return False
        self.test.assertEqual(str(error.code), str(self.status))
        return True


class Site:
    """A relying party with python-fido2's server, and a browser with its client."""

    verification = "required"

    def __init__(self, device, rp_id, interaction=None):
        self.rp_id = rp_id
        self.server = Fido2Server(
            {"id": rp_id, "name": rp_id}, attestation="direct", verify_attestation=self._verify_attestation
        )
        self.attestations = []
        self.client = Fido2Client(
            device,
            DefaultClientDataCollector(f"https://{rp_id}"),
            interaction or NobodyTypesHere(),
            [
                HmacSecretExtension(allow_hmac_secret=True),
                CredProtectExtension(),
                CredPropsExtension(),
                CredBlobExtension(),
                LargeBlobExtension(),
                ThirdPartyPaymentExtension(),
            ],
        )
        self.credentials = []

    def offers(self, *algorithms):
        """The COSE algorithms that it takes, best first."""
        self.server.allowed_algorithms = [
            PublicKeyCredentialParameters(type="public-key", alg=algorithm) for algorithm in algorithms
        ]

    def register(self, name, resident="required", exclude=False, extensions=None, event=None):
        """A registration ceremony, verified; returns the client's response."""
        options, state = self.server.register_begin(
            {"id": name.encode(), "name": name, "displayName": name.title()},
            self.credentials if exclude else None,
            resident_key_requirement=resident,
            user_verification=self.verification,
            extensions=extensions,
        )
        response = self.client.make_credential(options.public_key, event=event)
        data = self.server.register_complete(state, response)
        self.credentials.append(data.credential_data)
        return response

    def sign_in(self, discoverable=True, extensions=None, allow=None, choose=0, event=None):
        """An authentication ceremony, verified; returns the credential, the response and how many there were."""
        named = None if discoverable else (allow or self.credentials)
        options, state = self.server.authenticate_begin(named, user_verification=self.verification, extensions=extensions)
        selection = self.client.get_assertion(options.public_key, event=event)
        response = selection.get_response(choose)
        credential = self.server.authenticate_complete(state, self.credentials, response)
        return credential, response, selection.get_assertions()

    def _verify_attestation(self, attestation, client_data_hash):
        self.attestations.append(attestation)
        verifier = Attestation.for_type(attestation.fmt)()
        verifier.verify(attestation.att_stmt, attestation.auth_data, client_data_hash)
