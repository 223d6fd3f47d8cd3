"""A plugin of pytest: python-fido2 finds the simulator in place of the kernel's devices, and what is expected of its
tests is checked. Nothing in the tests is changed."""

import os
import pathlib
import socket

import fido2.hid
import pytest
from fido2.hid.base import HidDescriptor

import expected
from latchkey_ctap import REPORT, SocketConnection, wanted

PATH = wanted("LATCHKEY_CTAPHID")


def get_descriptor(path):
    return HidDescriptor(path, 0, 0, REPORT, REPORT, "Latchkey simulator", None)


def list_descriptors():
    return [get_descriptor(PATH)] if os.path.exists(PATH) else []


def open_connection(descriptor):
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connected.connect(descriptor.path)
    return SocketConnection(connected)


# Before the tests take these names.
fido2.hid.get_descriptor = get_descriptor
fido2.hid.list_descriptors = list_descriptors
fido2.hid.open_connection = open_connection


def name_of(nodeid):
    """Without the folder, which is the same for all."""
    return pathlib.PurePosixPath(nodeid.split("::")[0]).name + "::" + nodeid.split("::", 1)[1]


def pytest_collection_modifyitems(items):
    failures = dict(expected.FAILURES)
    for item in items:
        reason = failures.pop(name_of(item.nodeid), None)
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
    if failures:
        raise pytest.UsageError(f"expected.py names tests that are not there: {sorted(failures)}")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(call.excinfo.value)
        if not any(known in reason for known in expected.SKIPS):
            report.outcome = "failed"
            report.longrepr = f"skipped for a reason that expected.py does not name: {reason}"


def pytest_terminal_summary(terminalreporter):
    """One line for each reason of a skip, with the number of tests."""
    reasons = {}
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} skipped: {reason}")
    for report in terminalreporter.stats.get("xfailed", []):
        terminalreporter.write_line(f"expected to fail: {name_of(report.nodeid)}: {report.wasxfail}")
