"""The parts that every service is built from: logs, traces, HTTP, probes. Knows no workflow."""
