"""kamailio.py — Kamailio as a PBX inside: registrar, proxy and, where its modules are installed, presence server.
RFC 3261 §10.3, §16; RFC 3903; RFC 6665; RFC 3842; RFC 4235."""

import glob
import os
import shutil
import signal
import subprocess

from harness import SIP_PORT, eventually
from registering_phone import DOMAIN
from sipp import is_bound

_MODULES = "/usr/lib/*/kamailio/modules"
_TABLES = "/usr/share/kamailio/dbtext/kamailio"
_CORE = """
children=2
auto_aliases=no
log_stderror=yes
debug={debug}
{modules}
listen=udp:{address}:{port}
alias="{domain}"
modparam("auth", "nonce_count", 1)
modparam("auth", "nc_array_size", 65536)
modparam("auth", "nc_array_order", 16)
modparam("auth", "qop", "auth")
modparam("registrar", "max_contacts", 10)
{parameters}
request_route {{
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ t_relay(); exit; }}
    {in_dialog}
    if (!t_relay()) sl_reply_error();
    exit;
  }}
  if (is_method("REGISTER")) {{
    if (!pv_www_authenticate("{domain}", "secret-of-$tU", "0")) {{ www_challenge("{domain}", "1"); exit; }}
    if (!save("location")) sl_reply_error();
    exit;
  }}
  if (is_method("INVITE")) {{
    if (!pv_proxy_authenticate("{domain}", "secret-of-$au", "0")) {{ proxy_challenge("{domain}", "1"); exit; }}
    consume_credentials();
    record_route();
  }}
  {out_of_dialog}
  remove_hf("Route");  # a phone's way to us
  if (!lookup("location")) {{ sl_send_reply("480", "Not here"); exit; }}
  if (!t_relay()) sl_reply_error();
}}
"""
_BASE = ("kex", "corex", "tm", "tmx", "sl", "rr", "pv", "siputils", "textops", "auth", "usrloc", "registrar", "maxfwd")
_PRESENCE = ("db_text", "presence", "presence_xml", "presence_mwi", "presence_dialoginfo")
_PRESENCE_PARAMETERS = """
modparam("presence", "db_url", "text://{folder}/tables")
modparam("presence_xml", "db_url", "text://{folder}/tables")
modparam("presence_xml", "force_active", 1)
modparam("presence", "server_address", "sip:{address}:{port}")
modparam("presence", "min_expires", 5)
"""
_HANDLE_PRESENCE = """
  if (is_method("PUBLISH")) { handle_publish(); exit; }
  if (is_method("SUBSCRIBE")) { handle_subscribe(); exit; }
"""


def has_module(name):
    return bool(glob.glob(f"{_MODULES}/{name}.so"))


def has_presence():
    return all(has_module(name) for name in _PRESENCE)


class Kamailio:
    """A PBX of one address. with_presence: SUBSCRIBE and PUBLISH are its own; else they are refused."""

    def __init__(self, namespace, folder, address, with_presence=False):
        self.folder = os.path.join(folder, f"kamailio-{address}")
        os.makedirs(self.folder)
        places = {"address": address, "port": SIP_PORT, "domain": DOMAIN, "folder": self.folder}
        modules = _BASE + (_PRESENCE if with_presence else ())
        if with_presence:
            shutil.copytree(_TABLES, os.path.join(self.folder, "tables"))
        handle = _HANDLE_PRESENCE if with_presence else 'if (is_method("PUBLISH|SUBSCRIBE")) { sl_send_reply("489", "Bad Event"); exit; }'
        text = _CORE.format(**places, debug=os.environ.get("KAMAILIO_DEBUG", "1"), modules="\n".join(f'loadmodule "{one}.so"' for one in modules),
                            parameters=_PRESENCE_PARAMETERS.format(**places) if with_presence else "",
                            in_dialog=_HANDLE_PRESENCE if with_presence else "", out_of_dialog=handle)
        path = os.path.join(self.folder, "kamailio.cfg")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        self._log = open(os.path.join(self.folder, "log"), "wb")  # pylint: disable=consider-using-with
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(["ip", "netns", "exec", namespace.name, "kamailio", "-f", path, "-DD", "-E", "-m", "64",
                                         "-M", "8", "-w", self.folder, "-Y", self.folder, "-P", os.path.join(self.folder, "pid")],
                                        stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT)
        eventually(lambda: self._listens(address), "Kamailio listens", 20.0)

    def _listens(self, address):
        if self.process.poll() is not None:
            raise AssertionError(f"Kamailio ended: {self.words()}")
        return is_bound(self.process.pid, (address, SIP_PORT))

    def words(self):
        with open(self._log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._log.close()
