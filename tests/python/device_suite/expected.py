"""What python-fido2's device tests come to that is not a pass, whatever the simulator's profile, and why."""

# Test, why it must fail. One that passes all the same is a failure.
FAILURES = {}

# A part of what a test says when it skips, why it may. Any other skip is a failure.
SKIPS = {
    "previewSign not supported": "a prototype of its authors, no member of CTAP 2.3",
    "Algorithm ES256K not supported": "not ours",
    "Algorithm ES512 not supported": "not ours",
    "Algorithm PS256 not supported": "not ours",
    "Algorithm MLDSA44 not supported": "made only where a policy allows it",
    "Algorithm MLDSA65 not supported": "not ours",
    "Algorithm MLDSA87 not supported": "not ours",
    "BioEnrollment not supported": "the simulator has no sensor",
    "UV already configured": "the authenticator verifies its user itself",
    "Enterprise Attestation not supported": "the simulator belongs to no organisation",
}
