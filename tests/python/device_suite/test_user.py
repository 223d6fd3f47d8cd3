"""The simulator's user, told over HTTP what to do: verification at the authenticator, right and wrong."""

import os
import urllib.request

import pytest
from fido2.ctap import CtapError
from fido2.ctap2 import Ctap2
from fido2.ctap2.pin import ClientPin
from fido2.hid import CtapHidDevice

PIN = "a1b2c3d4"
CONTROL = os.environ["LATCHKEY_CONTROL"]
PERMISSION = ClientPin.PERMISSION.CREDENTIAL_MGMT


def be(wish):
    request = urllib.request.Request(f"{CONTROL}/user?{wish}", method="POST")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 204


@pytest.fixture
def pin():
    device = next(CtapHidDevice.list_devices())
    pin = ClientPin(Ctap2(device))
    if not pin.ctap.info.options["clientPin"]:
        pin.set_pin(PIN)
    yield pin
    be("up=auto&uv=ok")
    device.close()


def test_the_right_user_is_verified(pin):
    assert pin.get_uv_token(PERMISSION)


def test_the_wrong_user_is_not(pin):
    be("uv=fail")
    with pytest.raises(CtapError, match="UV_INVALID"):
        pin.get_uv_token(PERMISSION)
    assert pin.get_pin_retries()[0] == 7
    be("uv=ok")
    assert pin.get_uv_token(PERMISSION)
    assert pin.get_pin_retries()[0] == 8


@pytest.mark.parametrize("up, status", [("deny", "OPERATION_DENIED"), ("timeout", "USER_ACTION_TIMEOUT")])
def test_a_user_who_does_not_say_yes(pin, up, status):
    be(f"up={up}")
    with pytest.raises(CtapError, match=status):
        pin.ctap.selection()
