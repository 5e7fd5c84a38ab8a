"""exchanges.py — what phones say to each other besides calls: MESSAGE, PUBLISH, SUBSCRIBE and NOTIFY, and a PBX that notifies.
RFC 3428, RFC 3903, RFC 6665; message-summary of RFC 3842, dialog of RFC 4235."""

from phone import Dialog
from registering_phone import FIELDS, UpstreamRegistrar

KINDS = {"message-summary": "application/simple-message-summary", "dialog": "application/dialog-info+xml",
         "presence": "application/pidf+xml"}


def waiting(number):
    """Of a mailbox. RFC 3842 §5.2"""
    return f"Messages-Waiting: {'yes' if number else 'no'}\r\nVoice-Message: {number}/0 (0/0)\r\n".encode()


def dialog_info(entity, state="confirmed", version=0):
    """Of a line, with one call. RFC 4235 §4.4"""
    return (f'<?xml version="1.0"?>\n<dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="{version}" state="full" entity="{entity}">\n'
            f'<dialog id="one" direction="recipient"><state>{state}</state></dialog>\n</dialog-info>\n').encode()


def presence(entity, basic="open"):
    """RFC 3863 §4"""
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<presence xmlns="urn:ietf:params:xml:ns:pidf" entity="{entity}">\n'
            f'<tuple id="phone"><status><basic>{basic}</basic></status></tuple>\n</presence>\n').encode()


def ask_in(dialog, method, seconds=10.0, **what):
    """The final answer to a request of this dialog, or of one to be made, after a challenge was answered. what: headers,
    body, kind."""
    phone, headers = dialog.phone, tuple(what.pop("headers", ()))
    answer = None
    for credentials in ((), None):
        if credentials is None:
            credentials = (phone.for_calls.header(method, dialog.target),)
        octets = dialog.request(method, headers=headers + credentials, **what)
        number = dialog.cseq
        phone.ask(octets, dialog.call_id, number, seconds)
        answer = phone.final(dialog.call_id, f"{number} {method}")
        if answer is None or answer.status not in FIELDS or not hasattr(phone, "for_calls") or not phone.for_calls.take(answer):
            break
    return answer


def say(phone, number, text, to=None, seconds=10.0):
    """The final answer to a MESSAGE. RFC 3428 §4"""
    return ask_in(phone.dialog_to(number, to), "MESSAGE", seconds, body=text, kind="text/plain")


def publish(phone, number, event, body, *headers, seconds=10.0):
    """The final answer to a PUBLISH. RFC 3903 §4"""
    return ask_in(phone.dialog_to(number), "PUBLISH", seconds, headers=(f"Event: {event}", "Expires: 600", *headers), body=body, kind=KINDS[event])


class Subscription:
    """Of a phone. RFC 6665 §4.1"""

    def __init__(self, phone, number, event, to=None):
        self.phone, self.event, self.dialog = phone, event, phone.dialog_to(number, to)

    def subscribe(self, expires=600, seconds=10.0):
        """The final answer; again, it refreshes, and with 0 it ends."""
        headers = (f"Event: {self.event}", f"Expires: {expires}", f"Accept: {KINDS.get(self.event, 'text/plain')}")
        answer = ask_in(self.dialog, "SUBSCRIBE", seconds, headers=headers)
        if answer is not None and answer.status == 200 and ";tag=" not in self.dialog.remote:
            self.dialog.remote = answer.header("to")
            self.dialog.target = answer.header("contact").partition("<")[2].partition(">")[0]
        return answer

    def notifies(self):
        return [m for m in self.phone.heard[:] if m.status is None and m.method == "NOTIFY" and m.call_id == self.dialog.call_id]


class Notifier(UpstreamRegistrar):
    """A PBX that takes subscriptions to `states`: {event: body}; others are refused. `subscribed`: {Call-ID: (dialog, event)}."""

    def __init__(self, namespace, sock, remote, **what):
        self.states = {"message-summary": waiting(0), "dialog": dialog_info("sip:1001@example.com", "terminated")}
        self.subscribed, self.lasts = {}, 600
        super().__init__(namespace, sock, remote, **what)

    def _serve(self, message):
        if message.method == "SUBSCRIBE":
            self._subscribe(message)
        elif message.method == "PUBLISH":
            self._answer(message, 200, "SIP-ETag: one", "Expires: 600")
        else:
            super()._serve(message)

    def _subscribe(self, message):
        event, seconds = message.header("event").partition(";")[0], int(message.header("expires") or 3600)
        if event not in self.states:
            self._answer(message, 489, f"Allow-Events: {', '.join(self.states)}")
            return
        if ";tag=" in message.header("to") and message.call_id not in self.subscribed:
            self._answer(message, 481)
            return
        granted = min(seconds, self.lasts)
        self._answer(message, 200, f"Contact: {self.contact}", f"Expires: {granted}")
        if message.call_id not in self.subscribed:
            local = f"{message.header('to')};tag=callee{message.call_id[-12:]}"
            target = message.header("contact").partition("<")[2].partition(">")[0]
            self.subscribed[message.call_id] = Dialog(self, message.call_id, local=local, remote=message.header("from"), target=target), event
        self.notify(message.call_id, f"active;expires={granted}" if granted else "terminated;reason=timeout")

    def notify(self, call_id, state="active;expires=600"):
        """Tells of the state; who wants to know what became of it looks at final()."""
        dialog, event = self.subscribed[call_id]
        self.send(dialog.request("NOTIFY", headers=(f"Event: {event}", f"Subscription-State: {state}"), body=self.states[event], kind=KINDS[event]))
        return f"{dialog.cseq} NOTIFY"

    def change(self, event, body):
        """Another state; everybody who asked is told. CSeq values of the NOTIFYs by Call-ID."""
        self.states[event] = body
        return {call_id: self.notify(call_id) for call_id, (_, wanted) in list(self.subscribed.items()) if wanted == event}
