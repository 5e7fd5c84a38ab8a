"""voice_streams_test.py — what voice_test.py asks of calls over UDP holds over TCP and over TLS."""

import unittest

import voice_test
from harness import FULL
from stream_case import VoiceOverStreams


@unittest.skipUnless(FULL, "what TCP carries, TLS carries too: with --full")
class VoiceOverTcp(VoiceOverStreams, voice_test.Voice):
    transport = "tcp"


class VoiceOverTls(VoiceOverStreams, voice_test.Voice):
    transport = "tls"


@unittest.skipUnless(FULL, "what TCP carries, TLS carries too: with --full")
class EarlyMediaOverTcp(VoiceOverStreams, voice_test.EarlyMedia):
    transport = "tcp"


class EarlyMediaOverTls(VoiceOverStreams, voice_test.EarlyMedia):
    transport = "tls"


if __name__ == "__main__":
    unittest.main()
