# SPDX-License-Identifier: Apache-2.0
# A person with a browser for drawbridge_client.sh: runs a command that asks to open a page, and
# goes through the forms of oidc-provider there as SUBJECT.
#
#     drawbridge_login.py SUBJECT COMMAND…
import html.parser
import http.cookiejar
import re
import subprocess
import sys
import urllib.parse
import urllib.request


class Form(html.parser.HTMLParser):
    """The first form of a page, with what is filled in already."""

    def __init__(self):
        super().__init__()
        self.action, self.fields, self.inside = None, {}, False

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action, self.inside = attributes.get("action"), True
        elif tag in ("input", "button") and self.inside and attributes.get("name"):
            self.fields.setdefault(attributes["name"], attributes.get("value") or "")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag != "form"


def browse(url, subject):
    browser = urllib.request.build_opener(
        urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    answer = browser.open(url, timeout=20)
    for _ in range(8):
        form = Form()
        form.feed(answer.read().decode())
        if form.action is None:
            return
        if "login" in form.fields:
            form.fields["login"], form.fields["password"] = subject, "any"
        if form.fields.get("abort"):
            del form.fields["abort"]
        answer = browser.open(urllib.parse.urljoin(answer.geturl(), form.action),
                              urllib.parse.urlencode(form.fields).encode(), timeout=20)
    sys.exit("the forms do not end")


subject, command = sys.argv[1], sys.argv[2:]
process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
for line in process.stdout:
    print(line, end="")
    page = re.search(r"page.*  (http\S+)", line)
    if page:
        browse(page[1], subject)
sys.exit(process.wait())
