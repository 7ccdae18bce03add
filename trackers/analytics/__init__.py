"""What the history of many trackers says: stays, dwell times, deliveries. Reads only; the rest is pure."""
