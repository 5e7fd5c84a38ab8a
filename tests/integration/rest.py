"""rest.py — REST as its clients use it: tokens, single answers, answers that go on."""

import contextlib
import http.client
import json
import os
import socket

from harness import Case
from netns import inside

TOKENS = {"viewer": "11111111111111111111111111111111", "operator": "22222222222222222222222222222222",
          "admin": "33333333333333333333333333333333"}


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)


class RestCase(Case):
    """A daemon with a token for each role; `tls`: what wraps a client's socket."""

    roles = ("viewer", "operator", "admin")
    host, port, tls = "127.0.0.1", 8080, None

    def setUp(self):
        super().setUp()
        self.config = self.net.config()
        self.config["management"]["tokens"] = [{"file": self.token_file(role), "role": role} for role in self.roles]
        self.configure(self.config)
        self.daemon = self.net.start(self.config)

    def configure(self, config):
        """Subclasses change the configuration here."""

    def token_file(self, role):
        path = os.path.join(self.net.folder, f"{role}.token")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(TOKENS[role] + "\n")
        return path

    def connect(self, namespace=None):
        with inside((namespace or self.net.sbc).path):
            sock = socket.create_connection((self.host, self.port), 10)
        return self.tls.wrap_socket(sock, server_hostname=self.host) if self.tls else sock

    def begin(self, method, path, role=None, token=None, body=None, kind="application/json"):
        """(client, response): its body has not been read yet."""
        client = http.client.HTTPConnection(self.host, self.port)
        client.sock = self.connect()
        headers = {"Content-Type": kind} if kind and method == "POST" else {}
        if role or token:
            headers["Authorization"] = f"Bearer {token or TOKENS[role]}"
        client.request(method, path, body, headers)
        return client, client.getresponse()

    def ask(self, method, path, role=None, **options):
        client, response = self.begin(method, path, role, **options)
        with contextlib.closing(client):
            return Answer(response)

    def stream(self, path, role):
        """An answer that goes on, until the test is over."""
        client, response = self.begin("GET", path, role)
        self.addCleanup(client.close)
        self.assertEqual(response.status, 200, path)
        return response


def next_event(response, wanted=None):
    """(name, data) of the next server-sent event, or of the next with that name."""
    name, data = "message", []
    while line := response.readline().decode():
        field, _, value = line.rstrip("\n").partition(":")
        if field == "event":
            name = value.strip()
        elif field == "data":
            data.append(value.removeprefix(" "))
        elif not line.strip() and data:
            if wanted in (None, name):
                return name, json.loads("\n".join(data))
            name, data = "message", []
    raise AssertionError("the stream has ended")
