"""The bytes and rules that an exporter's licensing server and a device agent agree on.

Pure: no I/O, no clock, no global state. Verification raises (:mod:`licensing_protocol.errors`); a decision is a value
with its reason (:mod:`licensing_protocol.decision`). One module per document or concept.
"""
