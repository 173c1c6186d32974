"""Imports lists of hosts, one `host port` on a line: the example of the guide, in Python."""

from wit_world.exports import Importer as ImporterInterface
from wit_world.imports import feed
from wit_world.imports.ostler_importer_types import (
    Connection,
    Credential_None_,
    Entry,
    Info,
    Item_Connection,
    Position,
    Problem,
    Severity,
    Summary,
)

PIECE = 1 << 20
BATCH = 500


class Importer(ImporterInterface):
    """The plugin. A call has an instance of its own."""

    def describe(self):
        return Info(title="Host list", extensions=["hosts"], options=[])

    def detect(self, head, name):
        if head.startswith(b"#hosts"):
            return 90
        return 50 if name.endswith(".hosts") else 0

    def parse(self, options):
        entries, problems = [], []
        for number, line in enumerate(lines(), 1):
            if line.startswith("#"):
                continue
            at = Position(line=number, column=None, field=None)
            host, _, port = line.partition(" ")
            if port.isascii() and port.isdigit() and int(port) < 65536:
                entries.append(entry(at, host, int(port)))
            else:
                mendable = f"{line}\n".encode()
                reason = "a line is 'host port'"
                problems.append(Problem(at, None, Severity.NOT_IMPORTED, reason, mendable))
            if len(entries) == BATCH:
                if not feed.put(entries):
                    entries = []
                    break
                entries = []
        if entries:
            feed.put(entries)
        if problems:
            feed.report(problems)
        return Summary(format="host list", mapping=[], unused=[], mendable_head=b"")


def lines():
    """Yields the lines of the file, which comes piece by piece."""
    rest = b""
    while piece := feed.read(PIECE):
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")


def entry(at, host, port):
    """Makes the entry of one line."""
    connection = Connection(
        name=host,
        kind="ssh",
        host=host,
        port=port,
        credential=Credential_None_(),
        settings=[],
        notes="",
        tags=[],
        custom_fields=[],
    )
    return Entry(position=at, identity=host, folder=[], defaults=[], item=Item_Connection(connection))
