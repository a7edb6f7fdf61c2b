"""The licensing server: the exporter's side, which issues, revokes, takes evidence in, alerts, logs and shows."""
