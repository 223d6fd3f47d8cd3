"""The identity provider as MSAL sees it, unmodified. Run by `tests/python/idp/run`, which says what it wants.

MSAL asks login.microsoftonline.com whether an authority's host is genuine, unless it is told not to. Two of its settings
need no word with Microsoft: `oidc_authority`, and `authority` with `instance_discovery=False`.
"""

import datetime
import json
import os
import pathlib
import re
import ssl
import subprocess
import tempfile
import unittest

import jwt
import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

URL = os.environ["LATCHKEY_IDP_URL"]
CA = os.environ["LATCHKEY_IDP_CA"]
TENANT = os.environ["LATCHKEY_IDP_TENANT"]
DOMAIN = os.environ["LATCHKEY_IDP_DOMAIN"]
CLIENT = os.environ["LATCHKEY_IDP_CLIENT"]
SECRET = os.environ["LATCHKEY_IDP_SECRET"]
API = os.environ["LATCHKEY_IDP_API"]

COMMAND = json.loads(os.environ["LATCHKEY_IDP_COMMAND"])

SCOPES = [API + "/.default"]


def client(tenant=TENANT, credential=SECRET, client_id=CLIENT, **settings):
    """MSAL's client of the authority of `tenant`."""
    return msal.ConfidentialClientApplication(
        client_id,
        client_credential=credential,
        authority=f"{URL}/{tenant}",
        instance_discovery=False,
        verify=CA,
        **settings,
    )


def verified(token):
    """The token's header and claims, after PyJWT has checked signature, issuer, audience and times by discovery."""
    metadata = requests.get(f"{URL}/{TENANT}/v2.0/.well-known/openid-configuration", verify=CA, timeout=10).json()
    trusting = ssl.create_default_context(cafile=CA)
    key = jwt.PyJWKClient(metadata["jwks_uri"], ssl_context=trusting).get_signing_key_from_jwt(token)
    audience = jwt.decode(token, options={"verify_signature": False})["aud"]
    claims = jwt.decode(
        token,
        key.key,
        algorithms=["RS256"],
        issuer=metadata["issuer"],
        audience=audience,
        options={"require": ["exp", "iat", "nbf", "iss", "aud", "sub"]},
    )
    return jwt.get_unverified_header(token), claims


def certificate():
    """A new RSA key and its self-signed certificate, both PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "robot")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    return pem.decode(), made.public_bytes(serialization.Encoding.PEM).decode()


class Discovery(unittest.TestCase):
    """How MSAL finds the endpoints."""

    def test_a_tenant_is_found_by_id_and_by_domain(self):
        for tenant in (TENANT, DOMAIN):
            authority = client(tenant).authority
            self.assertTrue(authority.token_endpoint.startswith(f"{URL}/{tenant}/"), authority.token_endpoint)
            self.assertIn(TENANT, authority._issuer)

    def test_msal_accepts_the_issuer_of_a_plain_oidc_authority(self):
        app = msal.ConfidentialClientApplication(
            CLIENT, client_credential=SECRET, oidc_authority=f"{URL}/{TENANT}/v2.0", verify=CA
        )
        self.assertIn("access_token", app.acquire_token_for_client(SCOPES))

    def test_an_unknown_tenant_is_no_authority(self):
        with self.assertRaisesRegex(ValueError, "authority"):
            client("no-such-tenant.example")

    def test_without_the_ca_there_is_no_conversation(self):
        with self.assertRaises(requests.exceptions.SSLError):
            msal.ConfidentialClientApplication(
                CLIENT, client_credential=SECRET, authority=f"{URL}/{TENANT}", instance_discovery=False
            )

    def test_instance_discovery_names_this_host(self):
        answer = requests.get(f"{URL}/common/discovery/instance?api-version=1.1", verify=CA, timeout=10).json()
        host = URL.removeprefix("https://")
        self.assertIn(host, [alias for cloud in answer["metadata"] for alias in cloud["aliases"]])


class ClientCredentials(unittest.TestCase):
    """An application asks for itself."""

    def test_the_token_is_signed_by_a_published_key(self):
        answer = client().acquire_token_for_client(SCOPES)
        header, claims = verified(answer["access_token"])
        self.assertEqual(header["alg"], "RS256")
        self.assertEqual(claims["tid"], TENANT)
        self.assertEqual(claims.get("azp", claims.get("appid")), CLIENT)
        self.assertNotIn("scp", claims)
        self.assertEqual(answer["token_type"], "Bearer")
        self.assertNotIn("refresh_token", answer)

    def test_a_changed_token_is_refused_by_the_verifier(self):
        token = client().acquire_token_for_client(SCOPES)["access_token"]
        head, body, signature = token.split(".")
        other = ("A" if signature[0] != "A" else "B") + signature[1:]
        with self.assertRaises(jwt.InvalidSignatureError):
            verified(f"{head}.{body}.{other}")

    def test_the_second_time_the_token_comes_from_the_cache(self):
        app = client()
        first = app.acquire_token_for_client(SCOPES)
        second = app.acquire_token_for_client(SCOPES)
        self.assertEqual(second["token_source"], "cache")
        self.assertEqual(first["access_token"], second["access_token"])

    def test_a_wrong_secret_is_refused_with_the_code_that_msal_users_know(self):
        answer = client(credential="not-the-secret").acquire_token_for_client(SCOPES)
        self.assertEqual(answer["error"], "invalid_client")
        self.assertIn(7000215, answer["error_codes"])
        self.assertNotIn("not-the-secret", str(answer))

    def test_an_unknown_api_is_refused(self):
        answer = client().acquire_token_for_client(["api://nobody/.default"])
        self.assertIn("error", answer)
        self.assertNotIn("access_token", answer)


class CertificateCredentials(unittest.TestCase):
    """An application signs assertions with the key of a certificate (`private_key_jwt`)."""

    @classmethod
    def setUpClass(cls):
        cls.key, cls.certificate = certificate()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "robot.pem")
            path.write_text(cls.certificate)
            add = ["app", "add", "--tenant", TENANT, "--name", "Signer", "--certificate", str(path)]
            said = subprocess.run(COMMAND + add, check=True, capture_output=True, text=True).stdout
        cls.client_id = re.search(r"Client ID: (\S+)", said).group(1)

    def token(self, credential):
        return client(credential=credential, client_id=self.client_id).acquire_token_for_client(SCOPES)

    def test_named_by_sha_256_and_signed_ps256(self):
        answer = self.token({"private_key": self.key, "public_certificate": self.certificate})
        self.assertIn("access_token", answer, answer)
        _header, claims = verified(answer["access_token"])
        self.assertEqual(claims.get("azp", claims.get("appid")), self.client_id)

    def test_named_by_sha_1_and_signed_rs256(self):
        loaded = x509.load_pem_x509_certificate(self.certificate.encode())
        thumbprint = loaded.fingerprint(hashes.SHA1()).hex()
        answer = self.token({"private_key": self.key, "thumbprint": thumbprint})
        self.assertIn("access_token", answer, answer)
        verified(answer["access_token"])

    def test_another_key_under_the_registered_name_is_refused(self):
        other, _certificate = certificate()
        answer = self.token({"private_key": other, "public_certificate": self.certificate})
        self.assertEqual(answer["error"], "invalid_client")
        self.assertIn("signature", answer["error_description"])

    def test_another_certificate_is_refused(self):
        other, other_certificate = certificate()
        answer = self.token({"private_key": other, "public_certificate": other_certificate})
        self.assertEqual(answer["error"], "invalid_client")
        self.assertIn("not registered", answer["error_description"])


if __name__ == "__main__":
    unittest.main()
