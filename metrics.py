"""What `/metrics` shows, in Prometheus' terms. No label holds a person, a chat or a file."""

from prometheus_client import Counter, Gauge, Histogram

UPDATES = Counter("paintbox_updates_total", "Updates, by what became of them", ["outcome"])
UPDATES_WAITING = Gauge("paintbox_updates_waiting", "Updates written down and not handled yet")
JOBS = Counter("paintbox_jobs_total", "Jobs that ended", ["kind", "outcome"])
STAGE_SECONDS = Histogram(
    "paintbox_stage_seconds",
    "What a job spends its time on",
    ["stage"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320),
)
QUEUE_LENGTH = Gauge("paintbox_queue_length", "Jobs that wait")
TELEGRAM_ERRORS = Counter(
    "paintbox_telegram_errors_total", "Calls of the Bot API that failed", ["method", "code"]
)
