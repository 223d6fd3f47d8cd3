"""What python-fido2 lacks to talk to Latchkey: its carriers beside the kernel's, and the person at the prompt."""

import json
import os
import pathlib
import socket
import time

from fido2.hid import CtapHidDevice, get_descriptor, open_connection
from fido2.hid.base import CtapHidConnection, HidDescriptor

REPORT = 64


class SocketConnection(CtapHidConnection):
    """CTAPHID reports over a socket that keeps packets apart."""

    def __init__(self, connected):
        self.socket = connected
        # Longer than any silence that the protocol allows, as a device sends keepalives.
        self.socket.settimeout(10)

    def read_packet(self):
        report = self.socket.recv(REPORT + 1)
        if len(report) != REPORT:
            raise ConnectionError(f"a packet of {len(report)} bytes came from the authenticator")
        return report

    def write_packet(self, data):
        if self.socket.send(data) != REPORT:
            raise ConnectionError("a report was cut")

    def close(self):
        self.socket.close()


def over_hidraw(path):
    """A device that the kernel knows, by python-fido2's own carrier."""
    descriptor = get_descriptor(path)
    return CtapHidDevice(descriptor, open_connection(descriptor))


def over_unix(path):
    """A device behind a SOCK_SEQPACKET socket."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connected.connect(path)
    return _device(path, connected)


def over_udp(port):
    """A device behind a UDP port of this machine."""
    connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    connected.connect(("127.0.0.1", port))
    return _device(f"udp:{port}", connected)


def _device(path, connected):
    descriptor = HidDescriptor(path, 0, 0, REPORT, REPORT, "Latchkey", None)
    return CtapHidDevice(descriptor, SocketConnection(connected))


class Person:
    """The person at the prompt, played by the script of `tests/src/prompter.rs`."""

    HOLD = "hold"
    DENY = json.dumps({"deny": True})

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)

    def knows(self, pin):
        """From now on the person types this PIN."""
        (self.folder / "pin").write_text(json.dumps({"pin": pin}))

    def next(self, answer):
        """Answers the next prompt with this line: a JSON answer, or HOLD to leave it open."""
        with (self.folder / "queue").open("a") as queue:
            queue.write(answer + "\n")

    def next_pin(self, pin):
        """Types this PIN, right or wrong, at the next prompt only."""
        self.next(json.dumps({"pin": pin}))

    def wait_for_question(self):
        """Returns once something was asked since the last look."""
        deadline = time.monotonic() + 20
        while not (self.folder / "asked").exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def asked(self):
        """What the daemon has asked so far, and forgets it and all queued answers."""
        (self.folder / "queue").unlink(missing_ok=True)
        asked = self.folder / "asked"
        lines = asked.read_text().splitlines() if asked.exists() else []
        asked.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]


def wanted(name):
    """A variable of the environment that must be set."""
    value = os.environ.get(name)
    if not value:
        raise SystemExit(f"set {name}: see tests/python/run")
    return value
