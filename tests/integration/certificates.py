"""certificates.py — authorities, certificates and keys for tests, made with the openssl command. RFC 5280, RFC 5922 §7.

    trunks = Authority(folder, "trunks")
    pair = trunks.issue("carrier", uris=["sip:carrier.test"], addresses=["198.18.1.2"])
    pair.certificate, pair.key          # paths of PEM files
"""

import collections
import itertools
import os
import shutil
import ssl

from netns import run

Pair = collections.namedtuple("Pair", "certificate key")
_SERIALS = itertools.count(1)
EXPIRED = -1  # days


def _key(path):
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path)
    return path


def _alternative_names(uris, domains, addresses):
    names = [f"URI:{one}" for one in uris] + [f"DNS:{one}" for one in domains] + [f"IP:{one}" for one in addresses]
    return [f"subjectAltName={','.join(names)}"] if names else []


class Authority:
    """Signs what is asked of it; `path` is its own certificate."""

    def __init__(self, folder, name, above=None):
        """`above`: the authority that signs this one; none: it signs itself."""
        self.folder, self.name, self.above = folder, name, above
        self.path, self.key = os.path.join(folder, f"{name}.pem"), _key(os.path.join(folder, f"{name}.key"))
        rights = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"]
        if above is None:
            run("openssl", "req", "-new", "-x509", "-key", self.key, "-subj", f"/CN={name}", "-days", "90", "-out", self.path,
                *(word for one in rights for word in ("-addext", one)))
        else:
            above.sign(self.key, self.path, f"/CN={name}", rights)

    def sign(self, key, path, subject, extensions, days=60):
        request, what = f"{path}.csr", f"{path}.ext"
        run("openssl", "req", "-new", "-key", key, "-subj", subject, "-out", request)
        with open(what, "w", encoding="ascii") as file:
            file.write("".join(f"{one}\n" for one in extensions))
        run("openssl", "x509", "-req", "-in", request, "-CA", self.path, "-CAkey", self.key, "-set_serial",
            str(next(_SERIALS)), "-days", str(days), "-extfile", what, "-out", path)

    def issue(self, name, uris=(), domains=(), addresses=(), days=60):
        """A certificate for server and client, and its key. days: EXPIRED for one whose time is over."""
        key = _key(os.path.join(self.folder, f"{name}.key"))
        path = os.path.join(self.folder, f"{name}.pem")
        self.sign(key, path, f"/CN={name}", ["basicConstraints=CA:FALSE", "extendedKeyUsage=serverAuth,clientAuth",
                                             *_alternative_names(uris, domains, addresses)], days)
        if self.above is not None:  # the chain up to the root, which whoever trusts it has
            with open(path, "a", encoding="ascii") as whole, open(self.path, encoding="ascii") as mine:
                shutil.copyfileobj(mine, whole)
        return Pair(path, key)


def self_signed(folder, name, uris=(), domains=(), addresses=()):
    key, path = _key(os.path.join(folder, f"{name}.key")), os.path.join(folder, f"{name}.pem")
    run("openssl", "req", "-new", "-x509", "-key", key, "-subj", f"/CN={name}", "-days", "60", "-out", path,
        *(word for one in _alternative_names(uris, domains, addresses) for word in ("-addext", one)))
    return Pair(path, key)


def replace(old, new):
    """The files of `old` become those of `new`, each in one step, the key first, as a tool that renews does."""
    for there, here in ((old.key, new.key), (old.certificate, new.certificate)):
        shutil.copyfile(here, f"{there}.new")
        shutil.copymode(there, f"{there}.new")
        os.replace(f"{there}.new", there)


def server_context(pair, authority=None, demands=False):
    """`authority`: whose client certificates are taken; `demands`: one must come."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    if authority is not None:
        context.load_verify_locations(authority.path)
        context.verify_mode = ssl.CERT_REQUIRED if demands else ssl.CERT_OPTIONAL
    return context


def client_context(authority=None, pair=None):
    """`authority`: who must have signed the server's certificate; none: it is not looked at."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE if authority is None else ssl.CERT_REQUIRED
    if authority is not None:
        context.load_verify_locations(authority.path)
    if pair is not None:
        context.load_cert_chain(pair.certificate, pair.key)
    return context


class Identity:
    """What one side of TLS shows and believes, as client and as server."""

    def __init__(self, pair, authority, demands=False, server_name=None):
        self.pair, self.authority = pair, authority
        self.server, self.client = server_context(pair, authority, demands), client_context(authority, pair)
        self.server_name = server_name  # in our hello
