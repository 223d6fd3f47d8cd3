"""Latchkey as python-fido2 sees it. Run by `tests/python/run`, which says what it wants."""

import unittest

import blobs
import fingers
import pins
import passkeys
import prompts
import carriers
import settings
from ceremonies import OVER_HIDRAW


# In this order: a container's life from no PIN to a blocked one.
EVERYTHING = (
    pins.WithoutPin,
    pins.SettingThePin,
    pins.Pins,
    pins.Tokens,
    passkeys.Registration,
    passkeys.SigningIn,
    passkeys.Extensions,
    passkeys.Management,
    blobs.Blobs,
    fingers.Fingers,
    prompts.Prompts,
    carriers.Framing,
    carriers.Udp,
    settings.Settings,
    settings.PersistentToken,
    pins.Reset,
    pins.Blocking,
)
# Through the kernel, whose machine may be an emulated one: what the carrier matters to, and each thing that people do.
DENSE = (
    pins.WithoutPin,
    pins.SettingThePin,
    passkeys.Registration,
    passkeys.SigningIn,
    passkeys.Extensions,
    passkeys.Management,
    carriers.Framing,
)


def load_tests(loader, _tests, _pattern):
    cases = DENSE if OVER_HIDRAW else EVERYTHING
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in cases)
