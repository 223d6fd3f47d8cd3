"""The provider under the names of the real service, with a certificate of its own CA for them."""

import datetime
import json
import os
import pathlib
import subprocess
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NAMES = ["login.microsoftonline.com", "device.login.microsoftonline.com", "enterpriseregistration.windows.net"]
COMMAND = json.loads(os.environ["LATCHKEY_IDP_COMMAND"])
WORK = pathlib.Path(os.environ["WORK"])


def certificate():
    """A certificate for all names and its key, as files."""
    ca = x509.load_pem_x509_certificate(pathlib.Path(os.environ["LATCHKEY_IDP_CA"]).read_bytes())
    ca_key = serialization.load_pem_private_key(pathlib.Path(os.environ["LATCHKEY_IDP_CA_KEY"]).read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    named = ca.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in NAMES]), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(named), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    chain, secret = WORK / "chain.pem", WORK / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    return str(chain), str(secret)


def serve():
    """Starts the provider; returns its process once it serves."""
    chain, key = certificate()
    options = ["serve", "--listen", "127.0.0.1:443", "--tls-certificate", chain, "--tls-key", key]
    log = WORK / "provider.log"
    with log.open("w") as file:
        command = [*COMMAND, *options, "--unlimited", "127.0.0.0/8"]
        provider = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
    for _attempt in range(200):
        if "Latchkey identity provider: " in log.read_text():
            return provider
        assert provider.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError("the provider does not serve: " + log.read_text())
