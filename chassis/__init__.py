"""The parts that all services share: logs, traces, HTTP, probes. It knows nothing of workflows."""
