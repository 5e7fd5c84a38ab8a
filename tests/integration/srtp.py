"""srtp.py — keys as SDES writes them and what is sent under them, by libsrtp2: the judge of what Sallyport seals and opens.
RFC 3711, RFC 4568 §6, §9, RFC 6188, RFC 7714."""

import base64
import collections
import ctypes
import os
import threading

Measures = collections.namedtuple("Measures", "cipher key salt auth auth_key rtp_tag")
_ICM128, _ICM256, _GCM128, _GCM256, _NO_AUTH, _SHA1 = 1, 5, 6, 7, 0, 3  # as srtp2/srtp.h numbers them
SUITES = {
    "AES_CM_128_HMAC_SHA1_80": Measures(_ICM128, 16, 14, _SHA1, 20, 10),
    "AES_CM_128_HMAC_SHA1_32": Measures(_ICM128, 16, 14, _SHA1, 20, 4),
    "AES_256_CM_HMAC_SHA1_80": Measures(_ICM256, 32, 14, _SHA1, 20, 10),
    "AES_256_CM_HMAC_SHA1_32": Measures(_ICM256, 32, 14, _SHA1, 20, 4),
    "AEAD_AES_128_GCM": Measures(_GCM128, 16, 12, _NO_AUTH, 0, 16),
    "AEAD_AES_256_GCM": Measures(_GCM256, 32, 12, _NO_AUTH, 0, 16),
}
GROWTH_MAX = 256


class Key:
    """A master key with its salt, and what stands beside it: lifetime as text, mki as (number, octets)."""

    def __init__(self, suite, octets=None, lifetime="", mki=None):
        self.suite, self.lifetime, self.mki = suite, lifetime, mki
        measures = SUITES.get(suite)
        self.octets = octets or os.urandom(measures.key + measures.salt if measures else 30)

    def line(self, tag, *parameters):
        """As it stands behind `a=`."""
        fields = [base64.b64encode(self.octets).decode(), self.lifetime, ":".join(str(one) for one in self.mki or ())]
        return " ".join([f"crypto:{tag} {self.suite} inline:{'|'.join(one for one in fields if one)}", *parameters])


def parse_line(value):
    """(tag, Key) of what stands behind `crypto:`."""
    tag, suite, inline = value.split()[:3]
    octets, *beside = inline.removeprefix("inline:").split("|")
    mki = next((tuple(int(n) for n in one.split(":")) for one in beside if ":" in one), None)
    return int(tag), Key(suite, base64.b64decode(octets), next((one for one in beside if ":" not in one), ""), mki)


class _CryptoPolicy(ctypes.Structure):
    _fields_ = [("cipher_type", ctypes.c_uint32), ("cipher_key_len", ctypes.c_int), ("auth_type", ctypes.c_uint32),
                ("auth_key_len", ctypes.c_int), ("auth_tag_len", ctypes.c_int), ("sec_serv", ctypes.c_int)]


class _MasterKey(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("mki_id", ctypes.c_char_p), ("mki_size", ctypes.c_uint)]


class _Policy(ctypes.Structure):
    _fields_ = [("ssrc_type", ctypes.c_int), ("ssrc", ctypes.c_uint), ("rtp", _CryptoPolicy), ("rtcp", _CryptoPolicy),
                ("key", ctypes.c_char_p), ("keys", ctypes.POINTER(ctypes.POINTER(_MasterKey))), ("num_master_keys", ctypes.c_ulong),
                ("deprecated_ekt", ctypes.c_void_p), ("window_size", ctypes.c_ulong), ("allow_repeat_tx", ctypes.c_int),
                ("enc_xtn_hdr", ctypes.c_void_p), ("enc_xtn_hdr_count", ctypes.c_int), ("next", ctypes.c_void_p)]


_ANY_INBOUND, _ANY_OUTBOUND = 2, 3
_lib = ctypes.CDLL("libsrtp2.so.1")
_lib.srtp_init()


class Session:
    """One key in one direction: octets in, octets out, or None. For any threads."""

    def __init__(self, key, sends):
        measures = SUITES[key.suite]
        rtp = _CryptoPolicy(measures.cipher, measures.key + measures.salt, measures.auth, measures.auth_key, measures.rtp_tag, 3)
        rtcp = _CryptoPolicy(measures.cipher, measures.key + measures.salt, measures.auth, measures.auth_key, max(measures.rtp_tag, 10), 3)
        mki = key.mki[0].to_bytes(key.mki[1], "big") if key.mki else b""
        master = ctypes.pointer(_MasterKey(key.octets, mki, len(mki)))
        policy = _Policy(_ANY_OUTBOUND if sends else _ANY_INBOUND, 0, rtp, rtcp, None, ctypes.pointer(master), 1, None, 128, 0, None, 0, None)
        self.key, self._has_mki, self._lock = key, int(bool(mki)), threading.Lock()
        self._context = ctypes.c_void_p()
        status = _lib.srtp_create(ctypes.byref(self._context), ctypes.byref(policy))
        if status != 0:
            raise AssertionError(f"srtp_create: {status}")

    def __del__(self):
        if getattr(self, "_context", None):
            _lib.srtp_dealloc(self._context)

    def _run(self, function, octets, *more):
        buffer = ctypes.create_string_buffer(octets, len(octets) + GROWTH_MAX)
        size = ctypes.c_int(len(octets))
        with self._lock:
            status = function(self._context, buffer, ctypes.byref(size), self._has_mki, *more)
        return buffer.raw[:size.value] if status == 0 else None

    def seal(self, octets, is_rtcp=False):
        sealed = self._run(_lib.srtp_protect_rtcp_mki if is_rtcp else _lib.srtp_protect_mki, octets, 0)
        if sealed is None:
            raise AssertionError("a packet of the test's own can't be sealed")
        return sealed

    def open(self, octets, is_rtcp=False):
        if len(octets) < 12:
            return None
        return self._run(_lib.srtp_unprotect_rtcp_mki if is_rtcp else _lib.srtp_unprotect_mki, octets)
