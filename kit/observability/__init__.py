"""Logs without payloads, metrics, traces, health."""
