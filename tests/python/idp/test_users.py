"""Users of MSAL: what a person at a browser gives to an application, and what the application does with it."""

import json
import os
import unittest
import urllib.parse
import webbrowser

import msal
import requests

import chromium
from person import Person
from test_msal import CA, DOMAIN, TENANT, URL, client, verified

# Public, with device codes and `http://localhost`; and its user, who has a password only.
NATIVE = os.environ["LATCHKEY_IDP_NATIVE"]
REDIRECT = os.environ["LATCHKEY_IDP_REDIRECT"]
USER = os.environ["LATCHKEY_IDP_USER"]
PASSWORD = os.environ["LATCHKEY_IDP_PASSWORD"]

GRAPH = ["User.Read"]


def public(http_client=None):
    return msal.PublicClientApplication(
        NATIVE, authority=f"{URL}/{TENANT}", instance_discovery=False, verify=CA, http_client=http_client
    )


def setUpModule():
    """The user's first sign-in, at which the password that an administrator gave is replaced, if it must be."""
    global PASSWORD
    newcomer = Person(URL, CA, USER, PASSWORD, "river otter lamp 28")
    assert USER in newcomer.through(newcomer.open("/signin")).html
    PASSWORD = newcomer.password


def person():
    return Person(URL, CA, USER, PASSWORD)


class Users(unittest.TestCase):
    """What every answer for a user must hold."""

    def check(self, answer, app):
        self.assertNotIn("error", answer, answer)
        _header, claims = verified(answer["id_token"])
        self.assertEqual(claims["preferred_username"], USER)
        self.assertEqual(claims, answer["id_token_claims"])
        [account] = app.get_accounts()
        self.assertEqual(account["username"], USER)
        self.assertEqual(account["home_account_id"], f"{claims['oid']}.{TENANT}")
        return account


class DeviceCode(Users):
    """A device without a keyboard."""

    def approve(self, flow, answer):
        visitor = person()
        page = visitor.open(flow["verification_uri"])
        page = visitor.through(visitor.submit(page, step="device-code", otc=flow["user_code"]))
        return visitor.submit(page, step="device-confirm", answer=answer)

    def test_a_person_approves_it_on_another_screen(self):
        app = public()
        flow = app.initiate_device_flow(GRAPH)
        self.assertIn(flow["user_code"], flow["message"])
        self.approve(flow, "accept")
        account = self.check(app.acquire_token_by_device_flow(flow), app)
        silent = app.acquire_token_silent(GRAPH, account, force_refresh=True)
        self.assertEqual(silent["token_source"], "identity_provider")

    def test_a_person_denies_it(self):
        app = public()
        flow = app.initiate_device_flow(GRAPH)
        self.approve(flow, "decline")
        answer = app.acquire_token_by_device_flow(flow)
        self.assertEqual(answer["error"], "authorization_declined")
        self.assertIn(65004, answer["error_codes"])


class Code(Users):
    """A website, and a program that opens a browser."""

    def signed_in(self, app, scopes=GRAPH, visitor=None, **parameters):
        flow = app.initiate_auth_code_flow(scopes, redirect_uri=REDIRECT, **parameters)
        visitor = visitor or person()
        page = visitor.through(visitor.open(flow["auth_uri"]))
        self.assertIsNotNone(page.next, page.html)
        return flow, dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(page.next).query))

    def test_a_website_signs_a_person_in(self):
        app = client()
        answer = app.acquire_token_by_auth_code_flow(*self.signed_in(app))
        account = self.check(answer, app)
        self.assertIn("User.Read", answer["scope"].split(" "))
        first = app.acquire_token_silent(GRAPH, account)
        self.assertEqual(first["token_source"], "cache")
        renewed = app.acquire_token_silent(GRAPH, account, force_refresh=True)
        self.assertEqual(renewed["token_source"], "identity_provider")
        self.assertNotEqual(renewed["access_token"], first["access_token"])

    def test_at_common_the_tenant_is_the_persons(self):
        for authority in ("organizations", DOMAIN):
            app = client(authority)
            self.check(app.acquire_token_by_auth_code_flow(*self.signed_in(app)), app)

    def test_an_answer_of_another_state_is_refused(self):
        app = client()
        flow, answer = self.signed_in(app)
        with self.assertRaises(ValueError):
            app.acquire_token_by_auth_code_flow(flow, {**answer, "state": "other"})

    def test_a_code_that_is_used_twice_takes_everything_back(self):
        app = client()
        flow, answer = self.signed_in(app)
        self.check(app.acquire_token_by_auth_code_flow(flow, answer), app)
        again = client().acquire_token_by_auth_code_flow(flow, answer)
        self.assertEqual(again["error"], "invalid_grant")
        [account] = app.get_accounts()
        silent = app.acquire_token_silent_with_error(GRAPH, account, force_refresh=True)
        self.assertEqual(silent["error"], "invalid_grant")

    def test_msal_opens_chromium_and_gets_an_answer(self):
        browser = chromium.Chromium(USER, PASSWORD)
        self.addCleanup(browser.close)
        webbrowser.register("chromium", None, browser, preferred=True)
        app = public()
        answer = app.acquire_token_interactive(GRAPH, prompt="select_account", timeout=45)
        self.assertIsNone(browser.failure)
        self.check(answer, app)


class OnBehalfOf(Users):
    """An API passes a person's request on."""

    def test_an_api_gets_a_token_for_the_next_one(self):
        middle = json.loads(os.environ["LATCHKEY_IDP_MIDDLE"])
        app = client()
        flow, answer = Code.signed_in(self, app, [middle["uri"] + "/Act"])
        mine = app.acquire_token_by_auth_code_flow(flow, answer)
        self.assertNotIn("error", mine, mine)
        api = client(client_id=middle["id"], credential=middle["secret"])
        passed_on = api.acquire_token_on_behalf_of(mine["access_token"], GRAPH)
        self.assertNotIn("error", passed_on, passed_on)
        # A token that is not for this API is not its to pass on.
        for_another = app.acquire_token_by_auth_code_flow(*Code.signed_in(self, app))
        refused = api.acquire_token_on_behalf_of(for_another["access_token"], GRAPH)
        self.assertEqual(refused["error"], "invalid_grant", refused)


class WithPort(requests.Session):
    """MSAL asks for a user's realm at the host of its authority, without the port."""

    def get(self, url, **settings):
        host = urllib.parse.urlsplit(URL).hostname
        return super().get(url.replace(f"https://{host}/", f"{URL}/", 1), **settings)


class Password(Users):
    """The password grant, in a tenant that allows it."""

    def setUp(self):
        self.session = WithPort()
        self.session.verify = CA
        self.addCleanup(self.session.close)

    def test_name_and_password_are_enough_where_the_tenant_says_so(self):
        app = public(http_client=self.session)
        self.check(app.acquire_token_by_username_password(USER, PASSWORD, GRAPH), app)

    def test_a_wrong_password_has_the_code_that_msal_users_know(self):
        for name in (USER, "nobody@" + DOMAIN):
            app = public(http_client=self.session)
            answer = app.acquire_token_by_username_password(name, "wrong", GRAPH)
            self.assertIn(50126, answer["error_codes"])


if __name__ == "__main__":
    unittest.main()
