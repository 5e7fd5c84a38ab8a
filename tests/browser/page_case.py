"""page_case.py — one Sallyport with registered phones outside and a PBX inside, tokens for three roles, and a browser that
looks at its page."""

import os

from browser import Browser  # first: it knows where the integration tests' modules are
from harness import TOP, SharedCase, eventually
from registrar_case import GENEROUS, Phones, add_registrar
from registering_phone import RegisteringPhone

TOKENS = {"viewer": "1111111111111111viewer1111111111", "operator": "2222222222222222operator22222222",
          "admin": "33333333333333333admin3333333333"}
# What a stranger may write where a name stands: markup, a mark that turns the reading direction round, and no letter.
MARKUP = "<img src=x onerror=alert(1)>"
SCRIPT = "<script>alert(2)</script>"


def write_tokens(folder):
    """management.tokens, one for each role."""
    out = []
    for role, token in TOKENS.items():
        path = os.path.join(folder, f"{role}.token")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
        out.append({"file": path, "role": role})
    return out


class HostilePhone(RegisteringPhone):
    """One whose owner calls himself by markup."""

    def __init__(self, *arguments, **what):
        super().__init__(*arguments, **what)
        self.further = (f"User-Agent: {MARKUP}",)

    def register_request(self, expires=60, contacts=None, headers=(), aor=None):
        return super().register_request(expires, contacts, headers, aor).replace(b"RegisteringPhone/1", MARKUP.encode())

    def dialog_to(self, number, to=None):
        dialog = super().dialog_to(number, to)
        dialog.local = f'"{MARKUP}\u202egnp.exe" {dialog.local}'
        return dialog


class PageCase(Phones, SharedCase):
    tokens = True

    @classmethod
    def configure(cls, config):
        add_registrar(config, cls.shared.folder)
        config["security"] = {**GENEROUS, "signatures": [{"file": os.path.join(TOP, "mgmt", "config", "rules", "sip.rules")}]}
        if cls.tokens:
            config["management"]["tokens"] = write_tokens(cls.shared.folder)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser(cls.shared.sbc, cls.shared.folder)
        cls.addClassCleanup(cls.browser.end)

    def enter(self, role="operator", path="/", **how):
        """The page as somebody with this role sees it, who has just typed his token."""
        self.browser.open(path, **how)
        self.give_token(TOKENS[role])
        self.browser.gone("dialog")
        # Refused requests are told on the console by the browser itself; those before the token are meant to be.
        self.assertEqual([one for one in self.browser.trouble() if "status of 40" not in one], [])

    def give_token(self, token):
        self.browser.fill("dialog input[name=token]", token)
        self.browser.click("dialog button.main")

    def assert_no_trouble(self, *, but=None):
        """The page has said nothing on its console, thrown nothing and asked nobody else."""
        self.assertEqual([one for one in self.browser.trouble() if but is None or but not in one], [])

    def shot(self, name):
        """A picture for whoever wants to look: only where SALLYPORT_SHOTS names a folder."""
        folder = os.environ.get("SALLYPORT_SHOTS")
        if folder:
            self.browser.do("shot", path=os.path.join(folder, f"{name}.png"))

    def call(self, number, caller=None):
        """An answered call with voice from a registered phone to the PBX."""
        caller = caller or self.registered_phone()
        call = self.connect(caller, self.office(), number)
        self.addCleanup(self.end, call)
        return call

    def office(self):
        if not hasattr(self, "_office"):
            self._office = self.pbx()
        return self._office

    def end(self, call):
        """Hangs up, if nobody has."""
        if not (call.near.dialog.is_ended or call.far.dialog.is_ended):
            call.near.dialog.hang_up()

    def id_of(self, call):
        """The call's id as Sallyport has it."""
        call_id = call.near.dialog.call_id
        def found():
            listed = self.daemon.show("calls")["calls"]
            return [one["id"] for one in listed if any(leg["call_id"] == call_id for leg in one["legs"])]
        return eventually(found, f"{call_id} is shown")[0]
