"""Packed attestation with a certificate before python-fido2: a relying party that trusts one certificate.

    packed_statements.py judge STATEMENT.json    {"attestation_object": hex, "client_data_hash": hex, "certificate": hex}

The answer names what the statement's certificate says, and whether the statement is taken: as it is, and with one thing
wrong.
"""

import json
import pathlib
import sys

from cryptography import x509
from fido2.attestation import PackedAttestation
from fido2.webauthn import AttestationObject
from tpm_statements import judge


def flipped(data):
    return data[:-1] + bytes([data[-1] ^ 1])


def main(_verb, file):
    asked = {name: bytes.fromhex(text) for name, text in json.loads(pathlib.Path(file).read_text()).items()}
    real = AttestationObject(asked["attestation_object"])
    hash_, trusted = asked["client_data_hash"], asked["certificate"]
    (der,) = real.att_stmt["x5c"]
    certificate = x509.load_der_x509_certificate(der)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)

    def taken(auth_data=real.auth_data, **changes):
        return judge(trusted, AttestationObject.create("packed", auth_data, {**real.att_stmt, **changes}), hash_)

    answer = {
        "type": PackedAttestation().verify(real.att_stmt, real.auth_data, hash_).attestation_type.name,
        "version": certificate.version.name,
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "is an authority": constraints.value.ca,
        "taken": taken(),
        "taken with another signature": taken(sig=flipped(real.att_stmt["sig"])),
        "taken with another algorithm": taken(alg=-257),
        "taken with another certificate": taken(x5c=[flipped(der)]),
        "taken with another passkey": taken(auth_data=type(real.auth_data)(flipped(bytes(real.auth_data)))),
    }
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
