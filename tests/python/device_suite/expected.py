"""What python-fido2's device tests come to that is not a pass, whatever the simulator's profile, and why."""

# Test, why it must fail. One that passes all the same is a failure.
FAILURES = {}

# A part of what a test says when it skips, why it may. Any other skip is a failure.
SKIPS = {
    "previewSign not supported": "a prototype of its authors, no member of CTAP 2.3",
    "Algorithm ES256K not supported": "advertised by no authenticator that a site could meet; no TPM signs with it",
    "Algorithm ES384 not supported": "not ours: a TPM's keys are ES256 and RS256",
    "Algorithm ES512 not supported": "not ours: a TPM's keys are ES256 and RS256",
    "Algorithm PS256 not supported": "not ours: a TPM's keys are ES256 and RS256",
    "Algorithm MLDSA44 not supported": "not offered",
    "Algorithm MLDSA65 not supported": "not offered",
    "Algorithm MLDSA87 not supported": "not offered",
    "BioEnrollment not supported": "the simulator has no sensor",
    "Config not supported": "not yet",
    "Persistent PUAT not supported": "not yet",
    "UV already configured": "the profile that verifies each use has it always on",
    "AlwaysUv not supported": "the profile that verifies each use has it always on",
    "UV at the authenticator not supported": "a key without a way to verify its user itself",
    "Enterprise Attestation not supported": "the simulator belongs to no organisation",
    "No RP ID provided with --ep-rp-id": "the simulator belongs to no organisation",
}
