"""What becomes of the token, as metrics of OpenTelemetry."""

from opentelemetry import metrics

meter = metrics.get_meter("my-app")
events = meter.create_counter("ticktick.token.events")
expires = meter.create_gauge("ticktick.token.expires_at", unit="s")


def on_event(event):
    """Count an event; keep when the token ends."""
    events.add(1, {"kind": event.kind})
    if event.expires_at is not None:
        expires.set(event.expires_at)
