"""Alerts: rules over what devices report, and the cases that staff work through."""
