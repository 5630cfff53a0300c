"""What becomes of the token, as metrics of Prometheus."""

from prometheus_client import Counter, Gauge

EVENTS = Counter("ticktick_token_events", "What became of the token.", ["kind"])
EXPIRES = Gauge("ticktick_token_expires_at", "When it expires, in epoch seconds.")


def on_event(event):
    """Count an event; keep when the token ends."""
    EVENTS.labels(event.kind).inc()
    if event.expires_at is not None:
        EXPIRES.set(event.expires_at)
