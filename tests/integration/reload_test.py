"""reload_test.py — the configuration changes while ten calls a second with voice go on: what is new holds for new calls at
once, calls that are up keep what they began with, and what can't be had changes nothing and says why."""

import concurrent.futures
import contextlib
import json
import os
import re
import signal
import unittest

import sip
from capture import Capture
from harness import FAR_IN4, FAR_OUT4, IN4, OUT4, SIP_PORT, Case, eventually
from phone import Phone, Refused
from records import Records
from sipp_voice import VoiceRun, count_voice, counted
from stream_case import TLS_PORT, Side, listen_on_streams
from stream_phone import StreamEnd

FAR, SPARE, FRESH, NEAR = "198.18.1.5", "198.18.1.6", "198.18.1.20", "198.18.2.5"
RATE = 10
LINES = 200_000
LONGEST_TO_100 = 0.2  # seconds


def peer(name, realm, address, **more):
    return {"name": name, "realm": realm, "health": {"ping": "never"}, "targets": [{"address": f"{address}:{SIP_PORT}"}], **more}


def resident_kb(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return int(next(line for line in file if line.startswith("VmRSS")).split()[1])


class ReloadCase(Case):
    transport = "udp"  # of the load
    rate, packets = RATE, 50  # of the load: calls a second, packets of voice of each
    _runs = 0

    def setUp(self):
        super().setUp()
        for address in (FAR, SPARE, FRESH):
            self.net.out.ip("address", "add", f"{address}/24", "dev", "wire")
        self.net.inn.ip("address", "add", f"{NEAR}/24", "dev", "wire")
        self.config = self.first_config()
        self.records = Records(self.config["node"]["state"])
        self.daemon = self.net.start(self.config)

    def first_config(self):
        config = self.net.config()
        config["dataplane"]["capacity"].update(calls=1000, transactions=20000)
        config["peers"] = [peer("carrier-4", "outside", FAR_OUT4), peer("pbx-4", "inside", FAR_IN4), peer("far", "outside", FAR),
                           peer("spare", "outside", SPARE), peer("near", "inside", NEAR)]
        config["routes"] = [
            {"name": "load", "match": {"peer": ["carrier-4"], "called": "^4"}, "to": ["pbx-4"]},
            {"name": "to-near", "match": {"peer": ["far", "spare"], "called": "^5"}, "to": ["near"]},
            {"name": "to-far", "match": {"peer": ["near"], "called": "^6"}, "to": ["far"]},
            {"name": "to-spare", "match": {"peer": ["near"], "called": "^7"}, "to": ["spare"]},
            {"name": "hunt", "match": {"peer": ["near"], "called": "^8"}, "to": ["far", "spare"], "retry_on": [503]}]
        return config

    def number(self):
        ReloadCase._runs += 1
        return f"{os.getpid():x}.{ReloadCase._runs}"

    def named(self, section, name):
        return next(one for one in self.config[section] if one["name"] == name)

    def waits(self, messages):
        """Seconds from each caller's INVITE to its 100."""
        asked, found = {}, {}
        for message in messages:
            if message.method != "INVITE" or ";tag=" in message.header("to") and message.status is None:
                continue
            if message.destination[0] == OUT4 and message.status is None:
                asked.setdefault(message.call_id, message.when)
            elif message.source[0] == OUT4 and message.status == 100 and message.call_id in asked:
                found.setdefault(message.call_id, message.when - asked[message.call_id])
        self.assertEqual(set(asked), set(found), "an INVITE without a 100")
        return list(found.values())

    def phone(self, address):
        side, remote = (self.net.inn, IN4) if address == NEAR else (self.net.out, OUT4)
        found = Phone(side.udp(address, SIP_PORT), (remote, SIP_PORT))
        self.addCleanup(found.stop)
        return found

    # Reloading

    def write(self, text=None):
        """The file as `config` says it, or as the text does."""
        with open(self.daemon.config_path, "w", encoding="utf-8") as file:
            file.write(json.dumps(self.config, indent=1) if text is None else text)

    def reload(self):
        """What the command says of a change that is taken."""
        self.write()
        done = self.daemon.cli("reload", check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.daemon.count("config_last_reload_successful"), 1)
        return done.stdout + done.stderr

    def reload_is_refused(self, *words, text=None):
        """Status 78, each of these words, and the metric says so."""
        self.write(text)
        done = self.daemon.cli("reload", check=False)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, 78, said)
        for word in words:
            self.assertIn(word, said)
        self.assertEqual(self.daemon.count("config_last_reload_successful"), 0)
        return said

    @contextlib.contextmanager
    def load(self):
        """So many calls a second with voice, all of which are answered, heard whole and recorded, whatever happens meanwhile."""
        for far in (self.net.out, self.net.inn):
            count_voice(far)
        run = VoiceRun(self, "load", ("out", 4), ".2", called="4001", calls=100000, rate=self.rate, packets=self.packets)
        eventually(lambda: self.daemon.count("calls_active", peer="carrier-4") >= RATE, "the load is there", 15.0)
        yield run
        status = run.caller.finish(60)
        calls = run.caller.count("created")
        self.assertEqual((status, run.caller.count("successful")), (0, calls), run.caller.words())
        callee = run.callees[".2"]
        callee.finish()
        self.assertEqual((callee.count("successful"), callee.count("failed")), (calls, 0), callee.words())
        run.caller.calls = calls
        ids = run.caller.call_ids()
        self.records.await_ends(ids)
        self.assertEqual(self.records.faults(ids, True)[:5], [])
        here, there = counted(self.net.out), counted(self.net.inn)
        self.assertEqual((here["said"], there["there"], there["echoed"], here["back"]), (run.packets * calls,) * 4)

    # Calls

    def refusal(self, caller, number, seconds=5.0):
        """The status that refuses a call; None: silence."""
        with self.assertRaises(Refused) as raised:
            caller.call(number, seconds)
        return raised.exception.status

    def connect(self, caller, callee, number):
        """Both dialogs of an answered call."""
        before = set(callee.dialogs)
        near = caller.call(number)
        far = eventually(lambda: next((d for c, d in callee.dialogs.items() if c not in before and d.is_acked), None), "the ACK")
        return near, far

    def hang_up(self, near, far):
        self.assertEqual(near.hang_up(), 200)
        eventually(lambda: far.is_ended, "the other side is told")

    def assert_goes_on(self, near, far):
        """Both sides may still change the call, one after the other. RFC 3261 §14.1"""
        for dialog, other in ((near, far), (far, near)):
            before = self.acks(other)
            answer = dialog.change(dialog.phone.offer())
            self.assertEqual(answer and answer.status, 200)
            eventually(lambda other=other, before=before: self.acks(other) > before, "the ACK")

    @staticmethod
    def acks(dialog):
        return sum(m.call_id == dialog.call_id and m.start.startswith("ACK ") for m in dialog.phone.heard[:])

    def passes(self, caller, callee, number):
        self.hang_up(*self.connect(caller, callee, number))

    def ring(self, caller, callee, number):
        """A thread-like handle of a call that rings at callee."""
        callee.answers = False
        before = set(callee.ringing)
        pending = Pending(caller, number)
        call_id = eventually(lambda: next(iter(set(callee.ringing) - before), None), "it rings")
        return pending, call_id


class Pending:
    """A call that somebody else will answer or refuse."""

    def __init__(self, caller, number):
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._future = self._pool.submit(caller.call, number, 30.0)

    def status(self):
        try:
            self.dialog = self._future.result(40)
        except Refused as refused:
            return refused.status
        finally:
            self._pool.shutdown()
        return 200


class Peers(ReloadCase):
    def test_a_peer_that_is_added_has_calls_at_once(self):
        fresh, near = self.phone(FRESH), self.phone(NEAR)
        with self.load():
            self.assertIsNone(self.refusal(fresh, "5001", 1.5))
            self.assertEqual(self.refusal(near, "9001"), 404)
            self.config["peers"].append(peer("fresh", "outside", FRESH))
            self.named("routes", "to-near")["match"]["peer"].append("fresh")
            self.config["routes"].append({"name": "to-fresh", "match": {"peer": ["near"], "called": "^9"}, "to": ["fresh"]})
            said = self.reload()
            self.assertIn("fresh", said)
            self.passes(fresh, near, "5001")
            self.passes(near, fresh, "9001")
            self.assertEqual(self.daemon.count("peer_up", peer="fresh"), 1)
            self.assertIn("fresh", self.daemon.cli("show", "peers").stdout)
        end = [self.records.of(c, "end")[0] for c in self.records.by_call if c.startswith("kept-")]
        self.assertIn(("fresh", "near"), {(one["peer_in"], one["peer_out"]) for one in end})

    def test_a_peer_that_is_removed_is_a_stranger_but_its_call_goes_on(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        with self.load():
            calls = [self.connect(far, near, "5001"), self.connect(near, far, "6001")]
            removed = self.config["peers"].pop(2)
            routes = [dict(one) for one in self.config["routes"]]
            self.config["routes"] = [one for one in self.config["routes"] if one["name"] != "to-far"]
            self.named("routes", "to-near")["match"]["peer"] = ["spare"]
            self.named("routes", "hunt")["to"] = ["spare"]
            self.assertIn("far", self.reload())
            self.assertIsNone(self.refusal(far, "5002", 1.5))
            self.assertEqual(self.refusal(near, "6002"), 404)
            self.assertEqual(self.shown()["far"], "retired")
            for near_end, far_end in calls:
                self.assert_goes_on(near_end, far_end)
                self.hang_up(near_end, far_end)
                self.records.await_ends([near_end.call_id])
                end = self.records.of(near_end.call_id, "end")[0]
                self.assertIn("far", (end["peer_in"], end["peer_out"]))
                self.assertEqual((end["result"], end["ended_by"]), ("answered", "caller"))
            self.assertNotIn("far", self.shown())  # its last call is over
            self.config["peers"].append(removed)  # it comes back, behind all others
            self.config["routes"] = routes
            self.named("routes", "to-near")["match"]["peer"] = ["far", "spare"]
            self.named("routes", "hunt")["to"] = ["far", "spare"]
            self.reload()
            self.passes(far, near, "5003")
            self.passes(near, far, "6003")

    def shown(self):
        return {one["name"]: "retired" if one["retired"] else "in use" for one in self.daemon.show("peers")["peers"]}

    def test_a_target_that_moves_is_followed_by_new_calls_alone(self):
        far, fresh, near = self.phone(FAR), self.phone(FRESH), self.phone(NEAR)
        with self.load():
            call = self.connect(near, far, "6001")
            self.named("peers", "far")["targets"] = [{"address": f"{FRESH}:{SIP_PORT}"}]
            self.reload()
            self.passes(near, fresh, "6002")
            self.passes(fresh, near, "5002")
            self.assert_goes_on(*call)
            self.hang_up(*call)


class Rules(ReloadCase):
    def first_config(self):
        config = super().first_config()
        config["header_rules"] = [{"name": "edge", "steps": [{"field": "header:X-Edge", "set": "one"}]}]
        config["profiles"] = [{"name": "chatty", "headers": {"pass": ["X-Note"], "out": ["edge"]}, "responses": {"map": [{"in": 486, "out": 603}]}}]
        for one in config["peers"][2:]:
            one["profile"] = "chatty"
        return config

    def change(self):
        self.config["header_rules"][0]["steps"][0]["set"] = "two"
        self.config["profiles"][0]["headers"]["pass"] = []
        self.config["profiles"][0]["responses"]["map"] = [{"in": 486, "out": 600}]
        self.reload()

    @staticmethod
    def requests(phone, method):
        return [m for m in phone.heard[:] if m.status is None and m.method == method]

    def test_new_calls_follow_and_calls_that_are_up_keep_their_rules(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        near.further = ("X-Note: what the caller wrote",)
        with self.load():
            old = self.connect(near, far, "6001")
            self.change()
            new = self.connect(near, far, "6002")
            first, second = self.requests(far, "INVITE")
            self.assertEqual((first.header("x-edge"), second.header("x-edge")), ("one", "two"))
            self.assertEqual((first.header("x-note"), second.header("x-note")), (near.further[0].partition(": ")[2], ""))
            for call, crosses in ((old, True), (new, False)):
                self.assert_goes_on(*call)
                self.assertEqual("x-note" in self.requests(far, "INVITE")[-1].headers, crosses, "re-INVITE")
                self.hang_up(*call)
                self.assertEqual("x-note" in self.requests(far, "BYE")[-1].headers, crosses, "BYE")

    def test_a_call_that_rings_is_hunted_and_refused_by_the_rules_it_began_with(self):
        far, spare, near = self.phone(FAR), self.phone(SPARE), self.phone(NEAR)
        with self.load():
            refused, at_far = self.ring(near, far, "6001")
            hunted, elsewhere = self.ring(near, far, "8001")
            self.change()
            far.refuse(at_far, 486)
            self.assertEqual(refused.status(), 603)
            far.refuse(elsewhere, 503)
            self.assertEqual(hunted.status(), 200)
            self.assertEqual(self.requests(spare, "INVITE")[0].header("x-edge"), "one")
            self.assertEqual(hunted.dialog.hang_up(), 200)
            pending, again = self.ring(near, far, "6002")
            far.refuse(again, 486)
            self.assertEqual(pending.status(), 600)


class BigTableCase(ReloadCase):
    lines = LINES

    def table(self, to):
        """So many prefixes of seven digits, all to one peer."""
        with open(os.path.join(self.net.folder, "big.csv"), "w", encoding="ascii") as file:
            file.write("prefix,peer,weight\n" + "".join(f"9{number:06},{to},1\n" for number in range(self.lines)))

    def first_config(self):
        self.table("far")
        config = super().first_config()
        config["tables"] = [{"name": "big", "file": "big.csv"}]
        config["routes"].append({"name": "table", "match": {"peer": ["near"], "called": "^9"}, "to": [{"table": "big"}]})
        return config

    def captured(self):
        """The signalling outside from now on."""
        capture = Capture(self.net.out, os.path.join(self.net.folder, "load.pcap"), f"udp port {SIP_PORT} or udp port 9")  # 9: the capture's own mark
        self.addCleanup(lambda: capture.process.poll() is None and capture.process.kill())
        return capture


class Routes(BigTableCase):
    def test_routes_change_for_new_calls(self):
        far, spare, near = self.phone(FAR), self.phone(SPARE), self.phone(NEAR)
        with self.load():
            call = self.connect(near, far, "6001")
            self.named("routes", "to-far")["to"] = ["spare"]
            self.assertIn("to-far", self.reload())
            self.passes(near, spare, "6002")
            self.named("routes", "to-far")["to"] = [{"reject": 410}]
            self.reload()
            self.assertEqual(self.refusal(near, "6003"), 410)
            self.hang_up(*call)

    def test_a_table_of_many_lines_is_read_again_and_no_call_waits_for_it(self):
        far, spare, near = self.phone(FAR), self.phone(SPARE), self.phone(NEAR)
        capture = self.captured()
        number = f"9{self.lines - 1:06}55"
        with self.load():
            self.passes(near, far, number)
            for to, phone in 15 * (("spare", spare), ("far", far)):
                self.table(to)
                self.reload()  # the file has changed, its name has not
                self.passes(near, phone, number)
        waits = self.waits(capture.stop())
        print(f"  {len(waits)} INVITEs; the longest wait for 100 was {max(waits) * 1000:.1f} ms", flush=True)
        self.assertGreater(len(waits), 30)
        self.assertLess(max(waits), LONGEST_TO_100)


class LimitsAndAccess(ReloadCase):
    def first_config(self):
        return {**super().first_config(), "security": {"access": []}}

    def test_a_limit_holds_from_the_reload_on_and_ends_no_call(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        with self.load():
            calls = [self.connect(near, far, "6001") for _ in range(3)]
            for limit, passes in ((2, False), (3, False), (4, True)):
                self.named("peers", "far")["limits"] = {"out": {"calls": limit, "rate": "100/s"}}
                self.reload()
                self.assertEqual(self.daemon.count("calls_limit", peer="far", direction="out"), limit)
                if passes:
                    calls.append(self.connect(near, far, "6002"))
                self.assertEqual(self.refusal(near, "6003"), 503)
            del self.named("peers", "far")["limits"]
            self.reload()
            calls.append(self.connect(near, far, "6004"))
            for call in calls:
                self.hang_up(*call)

    def test_a_source_that_is_denied_is_dropped_from_the_reload_on_and_served_again_after_the_next(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        with self.load():
            self.passes(far, near, "5001")
            self.config["security"] = {"access": [{"source": f"{FAR}/32", "realm": "outside", "action": "deny"}]}
            self.reload()
            before = self.daemon.dropped("outside", "denied")
            self.assertIsNone(self.refusal(far, "5002", 1.5))
            eventually(lambda: self.daemon.dropped("outside", "denied") > before, "dropped by the guard")
            self.config["security"]["access"] = []
            self.reload()
            self.passes(far, near, "5003")

    def test_a_section_that_was_not_there_may_come_and_go(self):
        del self.config["security"]
        self.reload()
        self.config["security"] = {"access": [{"source": f"{FAR}/32", "realm": "outside", "action": "deny"}], "limits": {"unknown": {"rate": "100/s"}}}
        self.reload()
        self.assertIsNone(self.refusal(self.phone(FAR), "5001", 1.5))

    def test_a_stranger_that_is_trusted_from_the_reload_on_is_answered(self):
        sock = self.net.out.udp(FRESH, SIP_PORT)
        self.addCleanup(sock.close)
        with self.load():
            self.assert_silent(sock, (OUT4, SIP_PORT))
            self.config["security"] = {"access": [{"source": f"{FRESH}/32", "realm": "outside", "action": "trusted"}]}
            self.reload()
            self.assert_answered(sock, (OUT4, SIP_PORT))
            self.config["security"]["access"] = []
            self.reload()
            self.assert_silent(sock, (OUT4, SIP_PORT))


class Certificates(ReloadCase):
    def first_config(self):
        self.sides = {side: Side(self.net, side) for side in ("out", "in")}
        config = super().first_config()
        listen_on_streams(config, self.sides)
        return config

    def client(self):
        """A connection of the peer far over TLS."""
        end = StreamEnd(self.net.out, (FAR, self.port), (OUT4, TLS_PORT), "TLS", self.sides["out"].identity("far", FAR))
        self.port += 1
        self.addCleanup(end.close)
        return end.connect()

    port = 5100

    def shown(self, connection):
        return connection.sock.getpeercert()["subject"][0][0][1]

    def assert_answers(self, connection):
        before = len(connection.messages)
        connection.send(sip.request("OPTIONS", connection.near, connection.far).replace(b"SIP/2.0/UDP", b"SIP/2.0/TLS"))
        eventually(lambda: len(connection.messages) > before or not connection.is_open, "an answer")
        self.assertTrue(connection.is_open, connection.ended_by)
        self.assertTrue(connection.messages[-1].startswith(b"SIP/2.0 200 "), connection.messages[-1])

    def test_new_handshakes_see_the_new_certificate_and_connections_stay(self):
        with self.load():
            old = self.client()
            self.assert_answers(old)
            self.assertEqual(self.shown(old), "edge-out")
            pair = self.sides["out"].authority.issue("edge-new", ["sip:edge-out.test"], ["edge-out.test"], [OUT4])
            self.named_certificate("edge-out").update(certificate=pair.certificate, key=pair.key)
            self.reload()
            new = self.client()
            self.assertEqual(self.shown(new), "edge-new")
            self.assert_answers(new)
            self.assert_answers(old)
            other = self.sides["in"].edge
            self.named_certificate("edge-out").update(key=other.key)  # not its key
            self.reload_is_refused("tls.certificates[edge-out]")
            self.assertEqual(self.shown(self.client()), "edge-new")
            self.assert_answers(old)

    def named_certificate(self, name):
        return next(one for one in self.config["tls"]["certificates"] if one["name"] == name)


class Refusals(ReloadCase):
    def line_of(self, text, word):
        return next(number for number, line in enumerate(text.split("\n"), 1) if word in line)

    def test_a_bad_file_changes_nothing_and_says_where_it_is_bad(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        good = json.dumps(self.config, indent=1)
        with open(os.path.join(self.net.folder, "bad.csv"), "w", encoding="ascii") as file:
            file.write("prefix,peer,weight\n49,far,1\n49x,far,1\n")
        bad = {  # what is put in place of what, where the message must point to, the key
            "an unknown key": ('"realm": "inside"', '"relam": "inside"', "relam"),
            "a peer that is not there": ('"to": [\n    "near"\n   ]', '"to": [\n    "nobody"\n   ]', "routes[to-near]"),
            "a value of the wrong kind": ('"called": "^6"', '"called": "^6("', "routes[to-far]"),
            "an address that is none": (f'"{FAR}:5060"', '"198.18.1.500:5060"', "peers[far]"),
            "a table that is not there": ('"to": [\n    "spare"\n   ]', '"to": [\n    {"table": "none"}\n   ]', "routes[to-spare]"),
        }
        with self.load():
            call = self.connect(far, near, "5001")
            for name, (old, new, key) in bad.items():
                with self.subTest(file=name):
                    self.assertIn(old, good)
                    text = good.replace(old, new, 1)
                    line = self.line_of(text, new.split("\n")[-2 if "\n" in new else 0].strip())
                    said = self.reload_is_refused(self.daemon.config_path, key, text=text)
                    self.assertIn(f"{os.path.basename(self.daemon.config_path)}:{line}:", said)
                    self.passes(near, far, "6001")
            for name, text, words in (("no YAML", good[:-40], ()), ("empty", "", ())):
                with self.subTest(file=name):
                    self.reload_is_refused(self.daemon.config_path, *words, text=text)
            table = {**self.config, "tables": [{"name": "bad", "file": "bad.csv"}]}
            self.reload_is_refused("bad.csv:3", text=json.dumps(table, indent=1))
            os.remove(self.daemon.config_path)
            done = self.daemon.cli("reload", check=False)
            self.assertEqual(done.returncode, 78, done.stdout + done.stderr)
            self.passes(far, near, "5002")
            self.reload()  # the good one again: the metric is 1
            self.assert_goes_on(*call)
            self.hang_up(*call)

    def test_what_needs_a_restart_is_refused_and_named(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        changes = {
            "dataplane.capacity.calls": lambda c: c["dataplane"]["capacity"].update(calls=2000),
            "node.name": lambda c: c["node"].update(name=self.net.tag + "x"),
            "ports[outside].addresses": lambda c: c["ports"][0].update(addresses=[f"{OUT4}/25"]),
            "management.listen": lambda c: c["management"].update(listen="127.0.0.1:8081"),
        }
        with self.load():
            for key, change in changes.items():
                with self.subTest(key=key):
                    other = json.loads(json.dumps(self.config))
                    change(other)
                    other["realms"][0]["listen"] = other["realms"][0]["listen"] + [{"transport": "tcp", "port": SIP_PORT}]
                    other["routes"] = [one for one in other["routes"] if one["name"] != "to-far"]  # not even that
                    said = self.reload_is_refused(key, text=json.dumps(other, indent=1))
                    self.assertIn("restart", said)
                    self.passes(near, far, "6001")
            self.reload()


class Again(ReloadCase):
    def test_a_hundred_reloads_lose_no_call_and_no_memory(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        sizes = []
        with self.load():
            call = self.connect(near, far, "6001")
            for number in range(100):
                if number % 2:
                    self.config["peers"].pop()
                    self.config["routes"].pop()
                else:
                    self.config["peers"].append(peer("fresh", "outside", FRESH))
                    self.config["routes"].append({"name": "to-fresh", "match": {"peer": ["near"], "called": "^9"}, "to": ["fresh"]})
                self.write()
                self.assertEqual(self.daemon.cli("reload").returncode, 0)
                if number % 20 == 19:
                    sizes.append(resident_kb(self.daemon.process))
                    self.passes(near, far, "6002")
            self.assert_goes_on(*call)
            self.hang_up(*call)
        print(f"  resident after each 20 reloads: {sizes} kB", flush=True)  # the ring of messages fills meanwhile
        self.assertLess(sizes[-1] - sizes[0], 4096, sizes)

    def test_a_signal_does_the_same(self):
        far, near = self.phone(FAR), self.phone(NEAR)
        with self.load():
            self.named("routes", "to-far")["to"] = [{"reject": 410}]
            self.write()
            self.signal(r"(?i)reload")
            eventually(lambda: self.refused_with(near, "6001") == 410, "new calls follow", 10.0)
            self.assertEqual(self.daemon.count("config_last_reload_successful"), 1)
            self.write(json.dumps(self.config, indent=1).replace('"realm": "inside"', '"relam": "inside"', 1))
            self.signal(rf"{re.escape(os.path.basename(self.daemon.config_path))}:\d+: peers\[pbx-4\]")
            eventually(lambda: self.daemon.count("config_last_reload_successful") == 0, "the metric says so")
            self.assertEqual(self.refused_with(near, "6001"), 410)
            self.named("routes", "to-far")["to"] = ["far"]
            self.write()
            self.signal(r"(?i)reload")
            eventually(lambda: self.daemon.count("config_last_reload_successful") == 1, "and again")
            self.passes(near, far, "6002")

    def signal(self, pattern):
        """The first line of the log after SIGHUP that has this."""
        start = len(self.daemon.lines)
        self.daemon.process.send_signal(signal.SIGHUP)
        return self.daemon.wait_for_log(pattern, 10.0, start)

    def refused_with(self, caller, number):
        try:
            caller.call(number, 5.0).hang_up()
        except Refused as refused:
            return refused.status
        return 200


if __name__ == "__main__":
    unittest.main()
