"""A name server on loopback, UDP and TCP, that knows one zone and denies everything else."""

import json
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socketserver import (
    BaseRequestHandler,
    StreamRequestHandler,
    TCPServer,
    ThreadingTCPServer,
    ThreadingUDPServer,
    UDPServer,
)
from threading import Thread
from typing import ClassVar

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from typing_extensions import override

from tests.mailcheck.zone import Zone

# What one character string of a TXT record can hold, with room to spare.
PIECE = 250


@contextmanager
def serving(zone: Zone, *, folder: Path) -> Iterator[int]:
    """Answer for this zone on a free port of 127.0.0.1, over both protocols; the zone is written beside the mails to look at."""
    (folder / "zone.json").write_text(json.dumps(zone, indent=1), encoding="utf-8")
    kept = {"zone": zone}
    with ExitStack() as stack:
        tcp = stack.enter_context(ThreadingTCPServer(("127.0.0.1", 0), type("Tcp", (_Tcp,), kept)))
        port = tcp.server_address[1]
        udp = stack.enter_context(ThreadingUDPServer(("127.0.0.1", port), type("Udp", (_Udp,), kept)))
        for server in (udp, tcp):
            _start(server, stack)
        yield port


def _start(server: UDPServer | TCPServer, stack: ExitStack) -> None:
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stack.callback(thread.join)
    stack.callback(server.shutdown)


def answer(query: bytes, zone: Zone) -> dns.message.Message:
    """The zone's answer to a question on the wire."""
    asked = dns.message.from_wire(query)
    reply = dns.message.make_response(asked)
    reply.flags |= dns.flags.AA | dns.flags.RA
    question = asked.question[0]
    records = zone.get(question.name.to_text(omit_final_dot=True).lower())
    if records is None:
        reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply
    kind = dns.rdatatype.to_text(question.rdtype)
    values = [_quoted(value) if kind == "TXT" else value for value in records.get(kind, ())]
    if values:
        reply.answer.append(dns.rrset.from_text_list(question.name, 300, "IN", kind, values))
    return reply


def _quoted(text: str) -> str:
    return " ".join(f'"{text[start : start + PIECE]}"' for start in range(0, len(text), PIECE))


class _Udp(BaseRequestHandler):
    zone: ClassVar[Zone]

    @override
    def handle(self) -> None:
        query, socket = self.request
        socket.sendto(answer(query, self.zone).to_wire(max_size=4096), self.client_address)


class _Tcp(StreamRequestHandler):
    zone: ClassVar[Zone]

    @override
    def handle(self) -> None:
        while length := self.rfile.read(2):
            query = self.rfile.read(struct.unpack("!H", length)[0])
            wire = answer(query, self.zone).to_wire()
            self.wfile.write(struct.pack("!H", len(wire)) + wire)
