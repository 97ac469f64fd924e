"""Counts the entries that are no longer on Usher's topics, though they should be."""

from contracts.topics import READ_BY
from usher.audit.readers import ReaderOf
from usher.audit.report import Report, Unaccounted
from usher.audit.sources import AUDITED


def look_for_deletions(report: Report, reader_of: ReaderOf) -> None:
    """Add a finding for what is gone, or that the broker cannot tell."""
    for topic in AUDITED:
        gone = reader_of(topic).vanished(topic, READ_BY[topic])
        if gone is None:
            report.blind.append(topic)
        for number, how in gone or ():
            missing = f"{number} {how}"
            report.findings.append(Unaccounted(topic, None, None, None, missing, number))
