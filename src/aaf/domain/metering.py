"""Every metric of the product, in one closed set: its name, what it says, its labels.

A label holds names of codes, states, classes and catalogue entries, never anything that a caller chose: so a series can't be made from
outside, and nothing that somebody sent stands in a scrape. Nothing is counted here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum, unique


@unique
class Metric(StrEnum):
    """The names, in alphabetical order; a counter's ends in `_total`, durations are in seconds."""

    __hash__ = str.__hash__  # that of Enum is a call in Python, made for every count

    APPROVALS_PENDING = "aaf_approvals_pending"
    CHECKPOINT_AGE = "aaf_checkpoint_age_seconds"
    COMMITS_REFUSED = "aaf_commits_refused_total"
    COMMIT_SECONDS = "aaf_commit_seconds"
    CONFIGURATION_REFUSED = "aaf_configuration_refused_total"
    CONFIGURATION_STALE = "aaf_configuration_stale"
    CONNECTIONS = "aaf_connections"
    DECISIONS = "aaf_decisions_total"
    DECISION_SECONDS = "aaf_decision_seconds"
    EXECUTIONS = "aaf_executions_total"
    HIGH_RISK_RUNS = "aaf_high_risk_runs_total"
    LEDGER_EVENTS = "aaf_ledger_events"
    LOG_LINES_LOST = "aaf_log_lines_lost_total"
    PERMITS = "aaf_permits_total"
    POLICY_ENGINE_RESTARTS = "aaf_policy_engine_restarts_total"
    POLICY_FAILURES = "aaf_policy_failures_total"
    RECOVERING = "aaf_recovering"
    REFUSALS = "aaf_refusals_total"
    RELEASE = "aaf_release"
    REVIEWS = "aaf_reviews_total"
    STORE_QUEUE = "aaf_store_queue"
    TRANSITIONS = "aaf_transitions_total"


@unique
class Form(StrEnum):
    """How a metric is kept."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a metric is: its form, a sentence, and the names of its labels."""

    form: Form
    text: str
    labels: tuple[str, ...] = ()


OTHER = "other"
"""The label's value for whatever the catalogue doesn't know, and for what comes after `MAX_SERIES`."""
MAX_SERIES = 1_000
"""Series of one metric at most."""
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds of every histogram, in seconds; the last bucket has none."""

METRICS: Mapping[Metric, Meaning] = {
    Metric.APPROVALS_PENDING: Meaning(Form.GAUGE, "Held actions that wait for an answer."),
    Metric.CHECKPOINT_AGE: Meaning(Form.GAUGE, "Seconds since the ledger's newest checkpoint was signed."),
    Metric.COMMITS_REFUSED: Meaning(Form.COUNTER, "Commits that the store did not take.", ("answer",)),
    Metric.COMMIT_SECONDS: Meaning(
        Form.HISTOGRAM, "Time of a commit that was answered, the wait for the disk included."
    ),
    Metric.CONFIGURATION_REFUSED: Meaning(Form.COUNTER, "Configurations that were refused because they have problems."),
    Metric.CONFIGURATION_STALE: Meaning(
        Form.GAUGE, "1 while what is in the watched folder isn't what is active, else 0."
    ),
    Metric.CONNECTIONS: Meaning(Form.GAUGE, "Open connections of the server."),
    Metric.DECISIONS: Meaning(
        Form.COUNTER,
        "Recorded decisions: verdict, class and type of the action, deciding code.",
        ("verdict", "class", "type", "code"),
    ),
    Metric.DECISION_SECONDS: Meaning(Form.HISTOGRAM, "Time from forming an action to its durable record."),
    Metric.EXECUTIONS: Meaning(Form.COUNTER, "Runs that ended: how, and who says so.", ("outcome", "source")),
    Metric.HIGH_RISK_RUNS: Meaning(
        Form.COUNTER, "Started runs of high or critical risk, with and without a person's approval.", ("approved",)
    ),
    Metric.LEDGER_EVENTS: Meaning(Form.GAUGE, "Events in the organisation's ledger."),
    Metric.LOG_LINES_LOST: Meaning(Form.COUNTER, "Log lines that could not be written in time."),
    Metric.PERMITS: Meaning(Form.COUNTER, "Permits that were issued, consumed or refused.", ("step",)),
    Metric.POLICY_ENGINE_RESTARTS: Meaning(Form.COUNTER, "Policy workers that were started anew."),
    Metric.POLICY_FAILURES: Meaning(Form.COUNTER, "Decisions that a failing policy made a deny.", ("code",)),
    Metric.RECOVERING: Meaning(Form.GAUGE, "1 while the store is in recovery and denies everything, else 0."),
    Metric.REFUSALS: Meaning(Form.COUNTER, "Requests that were refused, with a problem or a page.", ("code",)),
    Metric.RELEASE: Meaning(Form.GAUGE, "Number of the active release."),
    Metric.REVIEWS: Meaning(Form.COUNTER, "Reviews that were recorded.", ("verdict",)),
    Metric.STORE_QUEUE: Meaning(Form.GAUGE, "Commits that wait for the writer."),
    Metric.TRANSITIONS: Meaning(Form.COUNTER, "Actions that came into a state after they were decided.", ("state",)),
}


@dataclass(frozen=True, slots=True)
class Timed:
    """One histogram: how many fell into each bucket (one more than `BUCKETS`), and their sum in seconds."""

    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Reading:
    """Every metric at one moment; counters and gauges by the values of their labels."""

    values: Mapping[Metric, Mapping[tuple[str, ...], float]]
    times: Mapping[Metric, Timed]


class Uncounted:
    """Counts nothing: the port `Meter` for embedded use, where nobody scrapes."""

    @property
    def public(self) -> bool:
        """Whether reading takes no key."""
        return False

    def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Drop it."""

    def time(self, metric: Metric, seconds: float) -> None:
        """Drop it."""

    def gauge(self, metric: Metric, read: Callable[[], float]) -> None:
        """Drop it."""

    def read(self) -> Reading:
        """Nothing."""
        return Reading({}, {})


UNCOUNTED = Uncounted()
