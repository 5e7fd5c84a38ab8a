"""home_routers.py — an Internet outside of Sallyport: routers that translate addresses (nftables masquerade, Linux' connection
tracking), each with homes behind it. RFC 4787 names what such a router does; these filter by address and port (§5).

The far end outside routes between Sallyport and the routers' public addresses, which are of 203.0.113.0/24; Sallyport needs
that far end as its gateway."""

import collections

from netns import veth

Home = collections.namedtuple("Home", "namespace address")


def _connect(left, left_name, right, right_name, prefix, base):
    """A cable of two addresses: the left end has the lower one, by which the right end goes everywhere."""
    veth(left, left_name, right, right_name)
    for namespace, interface, last in ((left, left_name, base + 1), (right, right_name, base + 2)):
        namespace.ip("address", "add", f"{prefix}.{last}/30", "dev", interface)
        namespace.ip("link", "set", interface, "up")
    right.ip("route", "add", "default", "via", f"{prefix}.{base + 1}")
    return f"{prefix}.{base + 2}"


class Router:
    def __init__(self, network, number, how="masquerade", udp_seconds=30):
        """how: as nftables says it. udp_seconds: after so long without a packet a translation is forgotten."""
        self.network, self.number, self.homes = network, number, []
        self.namespace = network.namespace(f"nat{number}")
        network.out.sysctl("net.ipv4.ip_forward", 1)
        self.address = _connect(network.out, f"net{number}", self.namespace, "wan", "203.0.113", 4 * number)
        self.namespace.sysctl("net.ipv4.ip_forward", 1)
        self.namespace.run("nft", "-f", "-", input=f"""
table ip home {{
  chain out {{
    type nat hook postrouting priority srcnat
    oifname wan meta l4proto {{ tcp, udp }} {how}
  }}
}}
""")
        for name in ("udp_timeout", "udp_timeout_stream"):
            self.namespace.sysctl(f"net.netfilter.nf_conntrack_{name}", udp_seconds)

    def home(self):
        """One more, whose only interface is `wire`."""
        number = len(self.homes)
        namespace = self.network.namespace(f"home{self.number}{number}")
        self.homes.append(Home(namespace, _connect(self.namespace, f"lan{number}", namespace, "wire", f"10.9.{self.number}", 4 * number)))
        return self.homes[-1]
