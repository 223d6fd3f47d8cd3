"""Latchkey as python-fido2 sees it. Run by `tests/python/run`, which says what it wants."""

import unittest

import blobs
import fingers
import pins
import passkeys
import prompts
import carriers


def load_tests(loader, _tests, _pattern):
    """In this order: a container's life from no PIN to a blocked one."""
    suite = unittest.TestSuite()
    for case in (
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
        pins.Reset,
        pins.Blocking,
    ):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite
