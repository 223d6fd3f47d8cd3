"""What python-fido2's device tests come to that is not a pass, by the simulator's profile, and why."""

LATER = "not here yet"
NEVER = "no member of CTAP 2.3: a prototype of its authors"

# Test, why it must fail. One that passes all the same is a failure.
FAILURES = {
    "hello": {
        "test_credman.py::test_missing_permissions[PinProtocolV1]": "without largeBlobs its permission is refused",
        "test_credman.py::test_missing_permissions[PinProtocolV2]": "without largeBlobs its permission is refused",
        "test_credman.py::test_read_only_management[PinProtocolV1]": "no persistent token yet",
        "test_credman.py::test_read_only_management[PinProtocolV2]": "no persistent token yet",
    },
}

# A part of what a test says when it skips, why it may.
SKIPS = {
    "hello": {
        "Algorithm ES256K not supported": "an algorithm that we do not have",
    },
}
