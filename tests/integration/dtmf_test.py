"""dtmf_test.py — digits between a phone that has them in RTP and one that has them in INFO, through a running Sallyport:
RFC 4733, RFC 6086. Each key arrives once, in order, both ways, and the voice around it is whole."""

import collections
import struct
import unittest

from harness import FULL, eventually
from voice import EVENT, parse_rtp, rtp
from voice_case import VoiceCase

KEYS = "0123456789*#ABCD!"  # by event
WAYS = {"2": {"dtmf": "rfc4733"}, "8": {"dtmf": "info"}, "4": {"dtmf": "pass"}, "6": {"dtmf": "info"}}
INFO = {"formats": "0 8", "attributes": ()}
Event = collections.namedtuple("Event", "code is_end duration")


def parse_event(packet):
    code, second, duration = struct.unpack("!BBH", packet.payload)
    return Event(code, bool(second & 0x80), duration)


def press(end, key, loses=lambda number: False):
    """One key for 100 ms as events, in the place of five packets of voice. RFC 4733 §2.5.1"""
    end.hush()
    first = end.said
    for number in range(7):
        is_end = number >= 4
        payload = struct.pack("!BBH", KEYS.index(key), 10 | (0x80 if is_end else 0), 160 * min(number + 1, 5))
        if not loses(number):
            end.send(rtp(end.said, payload, EVENT, end.ssrc, timestamp=first * 160, marker=number == 0))
        end.said += 1


class Receiver:
    """What a phone makes of the packets that it heard, and what was wrong with them."""

    def __init__(self, heard):
        self.keys, self.faults, self.voices = "", [], 0
        last, timestamp, before, ends = None, None, None, 0
        for one in heard:
            packet = parse_rtp(one.octets)
            if last is not None and packet.sequence != (last.sequence + 1) & 0xffff:
                self.faults.append(f"{last.sequence} before {packet.sequence}")
            if last is not None and packet.ssrc != last.ssrc:
                self.faults.append("another source")
            last = packet
            if packet.payload_type != EVENT:
                self.voices += 1
                if ends not in (0, 3):
                    self.faults.append(f"voice in an event, after {ends} ends")
                ends = 0
                continue
            event = parse_event(packet)
            if packet.marker:
                timestamp, ends = packet.timestamp, 0
                self.keys += KEYS[event.code]
            elif packet.timestamp != timestamp or event.duration < before.duration:
                self.faults.append(f"{event} after {before}")
            ends += event.is_end
            before = event


class Digits(VoiceCase):
    @classmethod
    def configure(cls, config):
        super().configure(config)
        for peer in config["peers"]:
            peer.pop("timers", None)
            peer["media"] = WAYS.get(peer["name"][-1], {})

    def pair(self, event_digit, info_digit, side, who_calls):
        """A call between a phone with events and one with INFO; (leg, phone) of each."""
        events = self.phone(side, event_digit)
        info = self.phone("in" if side == "out" else "out", info_digit, **INFO)
        if who_calls == "events":
            call = self.call(events, info, f"{info_digit}001")
            legs = call.near, call.far
        else:
            call = self.call(info, events, f"{event_digit}001")
            legs = call.far, call.near
        call.talk().await_voice()
        return call, legs[0], legs[1], info

    @staticmethod
    def told(phone):
        """The keys of all INFOs that a phone got, each once."""
        seen, keys = set(), ""
        for message in phone.heard[:]:
            if message.method != "INFO" or message.header("cseq") in seen:
                continue
            seen.add(message.header("cseq"))
            assert message.header("content-type") == "application/dtmf-relay", message.header("content-type")
            keys += dict(line.split("=") for line in message.body.decode().split())["Signal"]
        return keys

    def assert_descriptions(self, events, info):
        self.assertNotIn("telephone-event", info.theirs.text)
        self.assertIn("101 telephone-event/8000", events.theirs.text)

    def for_each_pair(self, judge):
        for side in ("out", "in"):
            for event_digit, info_digit in (("2", "8"), ("4", "8"), ("2", "6")):
                for who_calls in ("events", "info") if FULL else ("events" if side == "out" else "info",):
                    with self.subTest(events=event_digit, info=info_digit, side=side, calls=who_calls):
                        call, events, info, phone = self.pair(event_digit, info_digit, side, who_calls)
                        self.assert_descriptions(events, info)
                        judge(events, info, phone)
                        self.end(call)
                        for one in (events.phone, phone):
                            one.stop()

    def press_all(self, events, phone, loses=lambda key, packet: False):
        """One after the other, as fast as they are told. `loses`: which packets of which key."""
        for number, key in enumerate(KEYS):
            press(events.end, key, lambda packet, number=number: loses(number, packet))
            eventually(lambda number=number: len(self.told(phone)) > number, f"key {key}")
        self.assertEqual(self.told(phone), KEYS)

    def test_each_key_pressed_in_rtp_comes_once_as_info(self):
        self.for_each_pair(lambda events, info, phone: self.press_all(events, phone))

    def test_a_key_survives_the_loss_of_most_of_its_packets(self):
        _, events, _, phone = self.pair("2", "8", "out", "events")
        self.press_all(events, phone, lambda key, packet: packet != key % 7)

    def test_each_key_pressed_by_info_comes_once_as_event(self):
        self.for_each_pair(self.ask_for_all)

    def ask_for_all(self, events, info, phone):
        for number, key in enumerate(KEYS):
            body, kind = f"Signal={key}\r\nDuration=60\r\n".encode(), "application/dtmf-relay"
            if number % 2:
                body, kind = key.encode(), "application/dtmf"
            request = info.dialog.request("INFO", body=body, kind=kind)
            self.assertEqual(phone.ask(request, info.dialog.call_id, info.dialog.cseq, 5), 200)
        eventually(lambda: len(Receiver(events.end.heard[:]).keys) >= len(KEYS), "all keys", 15)
        before = Receiver(events.end.heard[:]).voices
        eventually(lambda: Receiver(events.end.heard[:]).voices > before + 10, "voice again")
        heard = Receiver(events.end.heard[:])
        self.assertEqual((heard.keys, heard.faults), (KEYS, []))
        self.assertEqual([m.method for m in events.phone.heard if m.method == "INFO"], [], "no INFO passed")

    def test_a_body_that_is_no_digit_harms_nobody(self):
        _, events, info, phone = self.pair("2", "8", "out", "info")
        for body in (b"Signal=\r\n", b"\0" * 100, b"Signal=5\r\nSignal=6", b"A" * 20000):
            request = info.dialog.request("INFO", body=body, kind="application/dtmf-relay")
            self.assertEqual(phone.ask(request, info.dialog.call_id, info.dialog.cseq, 5), 400)
        request = info.dialog.request("INFO", body=b"Signal=5", kind="application/dtmf-relay")
        self.assertEqual(phone.ask(request, info.dialog.call_id, info.dialog.cseq, 5), 200)
        eventually(lambda: Receiver(events.end.heard[:]).keys == "5", "the one digit")


if __name__ == "__main__":
    unittest.main()
