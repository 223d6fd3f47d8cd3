"""A person with a browser: keeps cookies, fills forms in, and stops at the first address that is not the provider's."""

import html.parser
import urllib.parse

import requests


class _Forms(html.parser.HTMLParser):
    """The forms of a page: where each goes, its hidden fields, and the names of all its fields."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self._open = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            self.forms.append({"action": attributes.get("action"), "fields": {}, "names": set()})
            self._open = True
        elif self._open and tag in ("input", "button") and "name" in attributes:
            form = self.forms[-1]
            form["names"].add(attributes["name"])
            if attributes.get("type") == "hidden":
                form["fields"][attributes["name"]] = attributes.get("value") or ""

    def handle_endtag(self, tag):
        if tag == "form":
            self._open = False


class Page:
    """What an address showed, or the foreign address that it led to (`next`)."""

    def __init__(self, url, answer=None, next=None):
        self.url = url
        self.next = next
        self.html = answer.text if answer is not None else ""
        self.forms = _Forms(self.html).forms


class Person:
    """Signs in with a name and a password on whichever pages come; with a new password, if it is to be changed. `code` tells
    what the person's authenticator app shows, if they have one."""

    def __init__(self, url, ca, name, password, new_password=None, code=None):
        self._origin = url
        self.password = password
        self._session = requests.Session()
        self._session.verify = ca
        self._answers = {
            "user": {"loginfmt": name},
            "password": {"passwd": password},
            "consent": {"answer": "accept"},
            "stay": {"LoginOptions": "3"},
            # Offers, for another time.
            "enrol": {"answer": "later"},
            "new-passkey": {"answer": "later"},
        }
        if code:
            self._answers["code"] = {"otc": code()}
        if new_password:
            self._answers["change-password"] = {"newpasswd": new_password, "confirmnewpasswd": new_password}

    def open(self, url, form=None):
        for _redirect in range(10):
            url = urllib.parse.urljoin(self._origin, url)
            method = "POST" if form is not None else "GET"
            answer = self._session.request(method, url, data=form, allow_redirects=False, timeout=10)
            if not answer.is_redirect:
                return Page(url, answer)
            form, url = None, urllib.parse.urljoin(url, answer.headers["Location"])
            if not url.startswith(self._origin + "/"):
                return Page(url, next=url)
        raise AssertionError(f"{url} leads in a circle")

    def submit(self, page, **fields):
        """Sends the form that has all of these fields, hidden or not."""
        form = next((form for form in page.forms if form["names"] >= set(fields)), None)
        assert form, f"no form with {sorted(fields)} in {page.html}"
        return self.open(form["action"] or page.url, {**form["fields"], **fields})

    def through(self, page):
        """Follows the pages of a sign-in until the browser is sent to an application, or something else is asked."""
        for _page in range(10):
            steps = [form["fields"].get("step") for form in page.forms]
            step = next((step for step in steps if step in self._answers), None)
            if step is None:
                return page
            page = self.submit(page, step=step, **self._answers[step])
            if step == "change-password":
                self.password = self._answers[step]["newpasswd"]
        raise AssertionError(f"the sign-in does not end: {page.html}")
