"""What the history of many trackers says: status periods, dwell times, deliveries. Reads only; the rest is pure."""
