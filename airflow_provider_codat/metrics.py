"""What this package tells Airflow's metrics, be they StatsD's or OpenTelemetry's.

Airflow hands tags on only where they are switched on. So the words that matter most are
part of a name, too.
"""

from datetime import timedelta

from airflow.providers.common.compat.sdk import Stats

from airflow_provider_codat.api.http.telemetry import Exchange, Told


class AirflowTelemetry:
    """Tells Airflow. It is called in the threads that hold the conversations."""

    def requested(self, exchange: Exchange) -> None:
        """Count a request that was sent."""
        Stats.incr("codat.requests", tags=_tags(exchange))
        Stats.incr(f"codat.requests.{exchange.status_class}")

    def repeated(self, exchange: Exchange) -> None:
        """Count what is about to be sent once more."""
        Stats.incr("codat.retries", tags=_tags(exchange))

    def rate_limited(self, seconds: float) -> None:
        """Take how long nothing is sent after Codat said that it is too much."""
        Stats.timing("codat.rate_limit_wait", timedelta(seconds=seconds))

    def reconciled(self, told: Told) -> None:
        """Count a create of which the books were asked."""
        Stats.incr("codat.reconciliations", tags={"outcome": told})
        Stats.incr(f"codat.reconciliations.{told}")

    def push_ended(self, status: str, seconds: float) -> None:
        """Take how long a push operation took."""
        took = timedelta(seconds=seconds)
        Stats.timing("codat.push_latency", took, tags={"status": status})


def webhook_received(outcome: str) -> None:
    """Count a webhook of Codat's.

    :param outcome: ``told``, ``repeated``, ``nobody``, or ``refused_`` and the status.
    """
    Stats.incr("codat.webhooks", tags={"outcome": outcome})
    Stats.incr(f"codat.webhooks.{outcome}")


def _tags(exchange: Exchange) -> dict[str, str]:
    return {
        "route": exchange.route,
        "method": exchange.method,
        "status": exchange.status,
    }


AIRFLOW = AirflowTelemetry()


def find_server() -> None:
    """Let Airflow look up where its metrics go: once in a process, and it may block."""
    Stats.timer()
