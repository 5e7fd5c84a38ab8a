"""voice_test.py — voice through Sallyport between phones that a test leads: every packet arrives, and only in its call.
RFC 3264 (offer and answer), 3550 (RTP, RTCP), 3605, 4733 (telephone events), 5761 (rtcp-mux), ITU-T T.38."""

import json
import os
import signal
import struct
import threading
import unittest

from harness import FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT, Case, eventually
from phone import Refused
from voice import EVENT, VoicePhone, await_voice, parse_rtp, rtp
from voice_case import VoiceCase, add_voice

SANITIZED = "asan" in os.environ.get("SALLYPORT_BINARY", "")  # such a build takes seconds to start


def sender_report(ssrc, name):
    """SR and SDES with a CNAME. RFC 3550 §6.4.1, §6.5"""
    item = bytes((1, len(name))) + name + b"\0"
    chunk = struct.pack("!I", ssrc) + item + b"\0" * (-len(item) % 4)
    return (struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 0xe0000000, 0, 1600, 10, 1600)
            + struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk)


def rtcp_types(octets):
    """Packet types of a compound packet; None when a length lies."""
    found = []
    while octets:
        if len(octets) < 4:
            return None
        size = 4 * (struct.unpack_from("!H", octets, 2)[0] + 1)
        if len(octets) < size:
            return None
        found.append(octets[1])
        octets = octets[size:]
    return found


class Voice(VoiceCase):
    # RFC 3264 §5, §6
    def test_every_packet_arrives_both_ways_over_ipv4_ipv6_and_between_them(self):
        for digits in ("44", "66", "46", "64"):
            for side in ("out", "in"):
                with self.subTest(caller=digits[0], callee=digits[1], side=side):
                    call = self.voice_call(digits, side).await_voice(25)
                    self.assert_whole(call)
                    self.end(call)
                    for end, other in (call.ends, call.ends[::-1]):
                        self.assertLess(end.gap(other), 0.2)
                        packets = {parse_rtp(one.octets).ssrc for one in end.heard}
                        self.assertEqual(len(packets), 1, "one stream is one SSRC")

    def test_the_record_says_how_many_packets_went_each_way_and_where_they_came_from(self):
        call = self.voice_call().await_voice(60)
        call.hush()
        call.near.dialog.hang_up()
        media = self.record(call.near)["media"]
        self.assertEqual(len(media), 2, media)
        for one, end, local in zip(media, call.ends, (OUT4, IN4)):
            self.assertEqual((one["packets"], one["lost"], one["after_bye_packets"]), (end.said, 0, 0), one)
            self.assertEqual((one["codec"].partition("/")[0], one["crypto"]), ("PCMU", "none"))
            self.assertEqual(one["remote"], f"{end.address}:{end.port}")
            self.assertTrue(one["local"].startswith(f"{local}:"), one)
            self.assertGreater(one["mos"], 4.0)

    # RFC 3550 §A.3, ITU-T G.107
    def test_what_was_lost_on_its_way_to_sallyport_is_counted_and_is_heard_in_the_mos(self):
        call = self.call(*self.phones(), "4001")
        call.near.end.loses = 10
        call.talk().await_voice(90)
        call.hush()
        shown = json.loads(self.daemon.cli("show", "call", call.near.dialog.call_id, "--json").stdout)["call"]
        self.assertEqual(len(shown["media"]), 2, shown)
        call.near.dialog.hang_up()
        bad, good = self.record(call.near)["media"]
        lost = len(call.far.end.missing(call.near.end))
        self.assertGreaterEqual(lost, 9)
        self.assertEqual((bad["lost"], bad["packets"]), (lost, call.near.end.last_sent + 1 - lost))
        self.assertEqual(good["lost"], 0)
        self.assertLess(bad["mos"], good["mos"] - 0.3)
        eventually(lambda: self.daemon.count("media_mos_count", peer="carrier-4") > 0, "a figure of the peer")

    def test_neither_side_sees_an_address_or_a_name_of_the_other_in_sdp(self):
        call = self.voice_call(name="secret-name")
        for leg, own in ((call.near, OUT4), (call.far, IN4)):
            self.assertEqual(leg.theirs.media[0].address, own)
            self.assertNotIn("secret-name", leg.theirs.text)
            self.assertIn(own, leg.theirs.origin)
            self.assertEqual(leg.theirs.media[0].port % 2, 0)

    # RFC 3264 §8.4
    def test_hold_in_all_its_forms_and_resume(self):
        for form in ({"direction": "sendonly"}, {"direction": "inactive"}, {"address": "0.0.0.0"}):
            for side in ("out", "in"):
                with self.subTest(form=form, side=side):
                    call = self.voice_call(side=side)
                    holder, held = call.near, call.far
                    self.assertEqual(holder.change(**form), 200)
                    self.assertIn(held.theirs.media[0].direction, ("sendonly", "inactive"))
                    held.end.talk()  # against what was agreed
                    self.assert_silence(holder.end, held.end)
                    self.assertEqual(holder.change(direction="sendrecv"), 200)
                    self.assertEqual(held.theirs.media[0].direction, "sendrecv")
                    call.await_voice()
                    self.end(call)

    def test_music_on_hold_reaches_the_one_who_waits(self):
        call = self.voice_call()
        self.assertEqual(call.near.change(direction="sendonly"), 200)
        before = len(call.far.end.of(call.near.end))
        eventually(lambda: len(call.far.end.of(call.near.end)) > before + 25, "music")

    # RFC 3261 §13.2.1, RFC 3264 §4
    def test_the_offer_comes_with_the_200_and_the_answer_with_the_ack(self):
        for side in ("out", "in"):
            with self.subTest(side=side):
                caller, callee = self.phones(side=side)
                caller.delays_offer = True
                call = self.call(caller, callee, "4001").talk().await_voice(25)
                self.assert_whole(call)
                self.end(call)

    # RFC 3261 §14, RFC 3264 §8: a new version of the same SDP, and voice that never stops.
    def test_an_offer_within_the_call_leaves_no_gap(self):
        call = self.voice_call()
        for method in ("INVITE", "UPDATE"):
            for leg in (call.near, call.far):
                with self.subTest(method=method, leg=leg.end.name):
                    other = call.far if leg is call.near else call.near
                    port = other.theirs.media[0].port
                    self.assertEqual(leg.change(method), 200)
                    self.assertEqual(other.theirs.media[0].port, port)
                    call.await_voice(5)
        for end, other in (call.ends, call.ends[::-1]):
            self.assertLess(end.gap(other), 0.2)
        self.assert_whole(call)

    # RFC 3264 §8.3.1
    def test_a_phone_that_moves_to_another_port_says_so_and_is_heard_and_hears_again(self):
        call = self.voice_call()
        for leg in (call.far, call.near):
            leg.end.move()
            self.assertEqual(leg.change(), 200)
            call.await_voice(25)

    def test_versions_of_the_session_go_up_by_one_with_each_change(self):
        call = self.voice_call()
        versions = [call.far.theirs.origin.split()[2]]
        for direction in ("sendonly", "sendrecv"):
            self.assertEqual(call.near.change(direction=direction), 200)
            versions.append(call.far.theirs.origin.split()[2])
        self.assertEqual([int(v) - int(versions[0]) for v in versions], [0, 1, 2])

    # RFC 4733 §2.3
    def test_telephone_events_pass(self):
        call = self.voice_call()
        event = [rtp(60000 + n, struct.pack("!BBH", 5, 10, 160 * (n + 1)), EVENT, call.near.end.ssrc, timestamp=96000, marker=n == 0)
                 for n in range(3)]
        for one in event:
            call.near.end.send(one)
        eventually(lambda: sum(parse_rtp(h.octets).payload_type == EVENT for h in call.far.end.heard) == 3, "three events")
        heard = [parse_rtp(h.octets) for h in call.far.end.heard if parse_rtp(h.octets).payload_type == EVENT]
        self.assertEqual([one.payload for one in heard], [parse_rtp(one).payload for one in event])
        self.assertEqual([one.marker for one in heard], [True, False, False])

    # RFC 3550 §6.4, §6.5
    def test_rtcp_is_relayed_and_the_cname_of_the_other_side_is_not_seen(self):
        call = self.voice_call()
        for end, other in (call.ends, call.ends[::-1]):
            report = sender_report(end.ssrc, b"anna@198.51.100.77")
            eventually(lambda end=end, report=report, other=other: end.send_rtcp(report) or other.heard_rtcp, "a report")
            octets = other.heard_rtcp[0].octets
            self.assertIn(200, rtcp_types(octets))
            self.assertEqual(octets[4:8], report[4:8], "the SSRC is the stream's")
            self.assertNotIn(b"anna", octets)
            self.assertNotIn(b"198.51.100.77", octets)

    # RFC 5761 §5.1.1
    def test_rtcp_on_the_port_of_rtp_where_both_want_it(self):
        call = self.voice_call(attributes=("rtcp-mux",), formats="0")
        if any(leg.theirs.media[0].attribute("rtcp-mux") is None for leg in (call.near, call.far)):
            self.fail("rtcp-mux was not agreed with phones that both offer it")
        for end, other in (call.ends, call.ends[::-1]):
            report = sender_report(end.ssrc, b"anna@198.51.100.77")

            def is_there(other=other):
                return any(200 <= one.octets[1] <= 206 for one in other.heard)
            eventually(lambda end=end, report=report, is_there=is_there: end.send(report) or is_there(), "a report")

    # RFC 3605
    def test_rtcp_goes_where_the_sdp_says(self):
        caller, callee = self.phones()
        call = self.call(caller, callee, "4001").talk().await_voice()
        other = self.net.inn.udp(call.far.end.address)
        self.addCleanup(other.close)
        other.settimeout(0.2)
        self.assertEqual(call.far.change(attributes=(f"rtcp:{other.getsockname()[1]}",), formats="0"), 200)

        def arrives():
            call.near.end.send_rtcp(sender_report(call.near.end.ssrc, b"c"))
            try:
                return other.recv(2000)
            except TimeoutError:
                return None
        self.assertIn(200, rtcp_types(eventually(arrives, "a report at the other port")))

    # ITU-T T.38 Annex D; threats M12: no UDPTL before it was agreed.
    def test_a_fax_is_relayed_once_both_have_agreed_on_it(self):
        call = self.voice_call()
        call.hush()
        frames = [struct.pack("!HBBB", n, 2, 0xaa, n) + b"\0\0" for n in range(20)]  # one primary IFP, no redundancy
        call.near.end.send(frames[0])
        self.assertEqual(call.near.change(kind="image", protocol="udptl", formats="t38",
                                          attributes=("T38FaxVersion:0", "T38FaxUdpEC:t38UDPRedundancy")), 200)
        self.assertEqual(call.far.theirs.media[0].protocol.lower(), "udptl")
        self.assertEqual([one.octets for one in call.far.end.not_of(call.near.end)], [], "UDPTL before T.38")
        for end, other in (call.ends, call.ends[::-1]):
            for one in frames:
                end.send(one)
            eventually(lambda other=other: len([h for h in other.heard if h.octets in frames]) == len(frames), "all of a fax")
        self.assertEqual(call.near.change(), 200)  # back to voice
        call.talk().await_voice()

    def test_an_m_line_that_the_callee_does_not_know_is_refused_and_voice_flows(self):
        caller, callee = self.phones()
        caller.what = {"attributes": (), "formats": "0\r\nm=video 45000 RTP/AVP 96\r\na=rtpmap:96 H264/90000"}
        answer = callee.answer

        def refuses_video(request, status):
            body = answer(request, status)
            return body + b"m=video 0 RTP/AVP 96\r\n" if body else body
        callee.answer = refuses_video
        call = self.call(caller, callee, "4001").talk().await_voice()
        self.assertEqual([m.port for m in call.near.theirs.media][1:], [0])


class EarlyMedia(VoiceCase):
    def ringing(self, digit, side="out"):
        """A caller who waits, a callee who has sent 183 with SDP, and their legs."""
        caller, callee = self.phones(("4", digit), side)
        callee.answers, callee.rings_with = False, 183
        outcome = []

        def make():
            try:
                outcome.append(caller.call(f"{digit}001", 30.0))
            except Refused as refused:
                outcome.append(refused)
        thread = threading.Thread(target=make, daemon=True)
        thread.start()
        self.addCleanup(thread.join, 40.0)
        eventually(lambda: callee.legs and hasattr(caller, "leg") and caller.leg.theirs, "183 with SDP")
        return caller, callee, outcome

    # RFC 3261 §13.2.1, RFC 3960 §3
    def test_voice_flows_both_ways_before_the_answer_and_goes_on_after_it(self):
        for side in ("out", "in"):
            with self.subTest(side=side):
                caller, callee, outcome = self.ringing("4", side)
                near, far = caller.leg, callee.last_leg()
                far.end.talk()
                near.end.talk()
                eventually(lambda near=near, far=far: len(near.end.of(far.end)) > 15, "the announcement")
                eventually(lambda near=near, far=far: len(far.end.of(near.end)) > 15, "digits of the caller")
                callee.pick_up(next(iter(callee.ringing)))
                eventually(lambda outcome=outcome: outcome, "an answer")
                eventually(lambda near=near, far=far, n=len(near.end.of(far.end)): len(near.end.of(far.end)) > n + 15, "voice")
                self.assertLess(near.end.gap(far.end), 0.2)
                near.dialog.hang_up()

    # threats D10
    def test_early_media_ends_when_its_time_is_over(self):
        caller, callee, outcome = self.ringing("5")
        near, far = caller.leg, callee.last_leg()
        far.end.talk()
        eventually(lambda: len(near.end.of(far.end)) > 15, "the announcement")
        eventually(lambda: outcome, "the call is ended", 8.0)
        self.assertIsInstance(outcome[0], Refused)
        self.assert_silence(near.end, far.end)


class LifeAndDeath(VoiceCase):
    # threats D9
    def test_nothing_is_relayed_after_bye_and_what_came_is_in_the_record(self):
        for side in ("out", "in"):
            with self.subTest(side=side):
                call = self.voice_call(side=side)
                self.assertEqual(call.near.dialog.hang_up(), 200)
                heard = [len(end.of(other)) for end, other in (call.ends, call.ends[::-1])]
                said = [end.said for end in call.ends]
                eventually(lambda call=call, said=said: all(e.said > s + 50 for e, s in zip(call.ends, said)), "a second passes")
                later = [len(end.of(other)) for end, other in (call.ends, call.ends[::-1])]
                for before, after in zip(heard, later):
                    self.assertLessEqual(after - before, 2)
                media = self.record(call.near)["media"]
                self.assertTrue(all(one["after_bye_packets"] >= 45 for one in media), media)
                self.assertIn("media_after_bye", [alarm["name"] for alarm in self.daemon.show("alarms")["alarms"]])
                for end in call.ends:
                    end.hush()

    def test_a_call_without_voice_is_ended(self):
        call = self.voice_call(("4", "5"))
        call.hush()
        eventually(lambda: call.near.dialog.is_ended and call.far.dialog.is_ended, "BYE to both", 8.0)
        end = self.record(call.near)
        self.assertEqual((end["ended_by"], end["result"]), ("sallyport", "answered"))

    def test_a_call_on_hold_is_not_ended_for_its_silence(self):
        call = self.voice_call(("4", "5"))
        self.assertEqual(call.near.change(direction="inactive"), 200)
        for end in call.ends:
            end.hush()
        clock = self.voice_call(("8", "8"))
        eventually(lambda: clock.near.end.said > 200, "four seconds pass", 12.0)
        self.assertFalse(call.near.dialog.is_ended or call.far.dialog.is_ended)
        self.assertEqual(call.near.change(direction="sendrecv"), 200)
        call.talk().await_voice()

    # RTCP alone says that a phone is there. RFC 3550 §6
    def test_a_phone_that_only_sends_reports_is_alive(self):
        call = self.voice_call(("4", "5"))
        call.far.end.hush()
        clock = len(call.near.end.heard), call.near.end.said
        end = call.far.end
        eventually(lambda: end.send_rtcp(sender_report(end.ssrc, b"c")) or call.near.end.said > clock[1] + 200, "four seconds pass", 12.0)
        self.assertFalse(call.near.dialog.is_ended or call.far.dialog.is_ended)

    # RFC 3264 §5.1 and threats M11, P11
    def test_addresses_that_are_no_phone_are_refused(self):
        caller, callee = self.phones()
        for address in ("127.0.0.1", "224.0.0.5", "255.255.255.255", "169.254.1.1", "240.0.0.1", "0.1.2.3", OUT4, IN4, "198.18.1.255",
                        "::1", "ff02::1", "fe80::1", "::ffff:127.0.0.1", "fd18:1::1"):
            with self.subTest(address=address):
                caller.what = {"address": address}
                with self.assertRaises(Refused) as raised:
                    caller.call("4001")
                self.assertEqual(raised.exception.status, 488)
        for port in (1, 53, 1023):
            with self.subTest(port=port):
                caller.what = {"port": port}
                with self.assertRaises(Refused) as raised:
                    caller.call("4001")
                self.assertEqual(raised.exception.status, 488)
        self.assertEqual(callee.legs, {}, "the callee heard of it")

    def test_an_m_line_that_needs_dtls_is_refused(self):
        caller, _ = self.phones()
        caller.what = {"protocol": "UDP/TLS/RTP/SAVPF"}
        with self.assertRaises(Refused) as raised:
            caller.call("4001")
        self.assertEqual(raised.exception.status, 488)


class RestartWithVoice(Case):
    def test_voice_goes_on_after_a_restart_with_a_gap_below_two_seconds(self):
        config = self.net.config()
        add_voice(config, self.net)
        daemon = self.net.start(config)
        caller, callee = (VoicePhone(namespace, namespace.udp(address, SIP_PORT), (sallyport, SIP_PORT)) for namespace, address, sallyport
                          in ((self.net.out, FAR_OUT4, OUT4), (self.net.inn, FAR_IN4, IN4)))
        for phone in (caller, callee):
            self.addCleanup(phone.stop)
        caller.call("4001")
        near, far = caller.leg.end, eventually(lambda: callee.legs and callee.last_leg(), "the callee's leg").end
        for end in (near, far):
            end.talk()
        await_voice(near, far)
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log('"draining"')
        daemon.process.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait_end(), 0, daemon.log())
        daemon = self.net.start(config)
        await_voice(near, far, 25)
        gaps = near.gap(far), far.gap(near)
        print(f"voice stood still for {gaps[0]:.2f} and {gaps[1]:.2f} s")
        if not SANITIZED:
            self.assertLess(max(gaps), 2.0)
        self.assertEqual(near.not_of(far) + far.not_of(near), [])
        self.assertEqual(caller.leg.dialog.hang_up(), 200)
        eventually(lambda: daemon.count("media_streams_active") == 0, "no stream is left")


if __name__ == "__main__":
    unittest.main()
