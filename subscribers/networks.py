"""Networks, pure: as much of a client's address as we ever keep."""

from ipaddress import IPv6Address, ip_address, ip_network


def coarse(ip: str) -> str:
    """The IPv4 /24 or IPv6 /48 that an address belongs to, as text; "" for what is no address."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is None:
            return str(ip_network((int(address), 48), strict=False))
        address = address.ipv4_mapped
    return str(ip_network((int(address), 24), strict=False))
