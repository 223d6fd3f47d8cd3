"""Attestation statements of the format "tpm", right ones and wrong ones, and what python-fido2 says to them.

    tpm_statements.py certify KEY.json   the certificates for an attestation key: {"point": hex}
    tpm_statements.py judge REAL.json    {"attestation_object": hex, "client_data_hash": hex}: every case with its verdict

The authority lies in the folder that LATCHKEY_AUTHORITY names. A wrong statement differs from the real one in one point:
where that would break the signature, another key that the same authority has certified signs it anew.
"""

import datetime
import json
import os
import pathlib
import sys

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID, ObjectIdentifier
from fido2.attestation import AttestationVerifier
from fido2.webauthn import AttestationObject

AIK = ObjectIdentifier("2.23.133.8.3")
CLIENT = ObjectIdentifier("1.3.6.1.5.5.7.3.2")
# Manufacturer, model and version of the TPM (TCG EK Credential Profile 2.0, 3.1.2).
TPM = {"2.23.133.2.1": "id:49424D00", "2.23.133.2.2": "model", "2.23.133.2.3": "id:00000001"}
NOW = datetime.datetime.now(datetime.timezone.utc)
DAY = datetime.timedelta(days=1)


class Authority:
    """A certification authority of attestation keys."""

    def __init__(self, name, key=None):
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = key or ec.generate_private_key(ec.SECP256R1())

    def root(self):
        builder = self._builder(self.name, self.key.public_key(), NOW + 365 * DAY)
        return self._signed(builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True))

    def certify(self, key, ca=False, usage=AIK, until=NOW + 30 * DAY, subject=()):
        """A certificate as WebAuthn L3 8.3.1 wants it, but for what is said."""
        tpm = x509.RelativeDistinguishedName(
            x509.NameAttribute(ObjectIdentifier(oid), text) for oid, text in TPM.items()
        )
        names = x509.SubjectAlternativeName([x509.DirectoryName(x509.Name([tpm]))])
        builder = self._builder(x509.Name(subject), key, until)
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        builder = builder.add_extension(names, critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        return self._signed(builder)

    def _builder(self, subject, key, until):
        builder = x509.CertificateBuilder().issuer_name(self.name).subject_name(subject).public_key(key)
        serial = x509.random_serial_number()
        return builder.serial_number(serial).not_valid_before(NOW - 60 * DAY).not_valid_after(until)

    def _signed(self, builder):
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


class Trusting(AttestationVerifier):
    """A relying party that trusts one root."""

    def __init__(self, root):
        super().__init__()
        self.root = root

    def ca_lookup(self, attestation_result, auth_data):
        return self.root


def authority():
    """The one that is trusted; made at the first call, and kept."""
    file = pathlib.Path(os.environ["LATCHKEY_AUTHORITY"], "authority.pem")
    if file.exists():
        return Authority("attestation keys", serialization.load_pem_private_key(file.read_bytes(), None))
    made = Authority("attestation keys")
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    file.write_bytes(made.key.private_bytes(*pem))
    return made


def certify(point):
    trusted = authority()
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), bytes.fromhex(point))
    name = [x509.NameAttribute(NameOID.COMMON_NAME, "a subject")]
    return {
        "root": trusted.root(),
        "good": trusted.certify(key),
        "of another authority": Authority("attestation keys").certify(key),
        "an authority's": trusted.certify(key, ca=True),
        "for another purpose": trusted.certify(key, usage=CLIENT),
        "over": trusted.certify(key, until=NOW - DAY),
        "with a subject": trusted.certify(key, subject=name),
    }


def cases(real, certificates):
    """Every case: its name and its attestation object."""
    statement = real.att_stmt
    other = ec.generate_private_key(ec.SECP256R1())
    certified = authority().certify(other.public_key())

    def with_(**changes):
        return AttestationObject.create("tpm", real.auth_data, {**statement, **changes})

    def anew(cert_info, **changes):
        sig = other.sign(cert_info, ec.ECDSA(hashes.SHA256()))
        return with_(certInfo=cert_info, sig=sig, x5c=[certified], **changes)

    def flipped(data, at):
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    info, area = statement["certInfo"], statement["pubArea"]
    # TPMS_ATTEST: magic 4, type 2, then the signer's name and extraData, each with its length; the attested Name, with
    # its own, comes before the qualified one: TPM 2.0 Part 2, 10.12.8 and 10.12.3.
    extra = 8 + int.from_bytes(info[6:8], "big") + 2
    name = extra + 32 + 17 + 8 + 2
    yield "real", real
    yield "signed anew", anew(info)
    yield "magic", anew(flipped(info, 0))
    yield "type", anew(info[:4] + b"\x80\x18" + info[6:])
    yield "extra data", anew(flipped(info, extra))
    yield "attested name", anew(flipped(info, name + 20))
    yield "another key's public area", anew(info, pubArea=flipped(area, len(area) - 1))
    yield "version", with_(ver="1.2")
    yield "signature", with_(sig=flipped(statement["sig"], len(statement["sig"]) - 1))
    yield "signed by another key", with_(sig=other.sign(info, ec.ECDSA(hashes.SHA256())))
    for kind, certificate in certificates.items():
        if kind not in ("root", "good"):
            yield f"certificate {kind}", with_(x5c=[certificate])


def judge(root, attestation_object, client_data_hash):
    try:
        Trusting(root).verify_attestation(attestation_object, client_data_hash)
        return True
    except Exception as error:  # whatever it is, the statement was not taken
        print(f"  {type(error).__name__}: {error}", file=sys.stderr)
        return False


def main(verb, file):
    asked = json.loads(pathlib.Path(file).read_text())
    if verb == "certify":
        answer = {kind: der.hex() for kind, der in certify(asked["point"]).items()}
    else:
        certificates = {kind: bytes.fromhex(der) for kind, der in asked["certificates"].items()}
        real = AttestationObject(bytes.fromhex(asked["attestation_object"]))
        hash_ = bytes.fromhex(asked["client_data_hash"])
        answer = [
            {"name": name, "object": bytes(one).hex(), "taken": judge(certificates["root"], one, hash_)}
            for name, one in cases(real, certificates)
        ]
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
