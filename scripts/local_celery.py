"""The same whole Airflow as a team runs it: Celery workers, Postgres and Redis."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from local_airflow import LocalAirflow
from local_databases import LocalDatabase, NotInstalled, postgres, redis

WORKERS = ("worker-1", "worker-2")
TRIGGERERS = ("triggerer", "triggerer-2")


class LocalCelery(LocalAirflow):
    """An Airflow with two workers and two triggerers.

    :param database: the Postgres that holds Airflow's database.
    :param broker: the Redis that tasks are queued in.
    """

    def __init__(
        self,
        home: Path,
        dags: Path,
        env: Mapping[str, str] | None = None,
        *,
        database: LocalDatabase,
        broker: LocalDatabase,
    ) -> None:
        self.servers = {"postgres": database, "redis": broker}
        where = f"airflow@127.0.0.1:{database.connection['port']}/postgres"
        celery = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{where}",
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+postgresql+psycopg2://{where}",
            "AIRFLOW__CELERY__BROKER_URL": f"{redis_url(broker)}/0",
            "AIRFLOW__CELERY__WORKER_PREFETCH_MULTIPLIER": "1",
        }
        super().__init__(home, dags, {**celery, **(env or {})})

    @classmethod
    @contextmanager
    def running(
        cls, home: Path, dags: Path, env: Mapping[str, str] | None = None
    ) -> Iterator[Self]:
        """Start it with servers of its own.

        :raises NotInstalled: when a server or Celery is not on this machine.
        """
        try:
            import celery  # noqa: F401, PLC0415 - whether it is there
        except ImportError as error:
            raise NotInstalled("Celery is not on this machine") from error
        with (
            postgres() as database,
            redis() as broker,
            cls(home, dags, env, database=database, broker=broker) as airflow,
        ):
            yield airflow

    def start(self) -> None:
        """Start everything; return when all of it answers."""
        super().start()
        self.start_part(TRIGGERERS[1])
        for name in WORKERS:
            self.start_part(name)

    def start_part(self, name: str) -> None:
        """Start one of its processes, or start it again after it was killed."""
        if name in self.servers:
            self.servers[name].start()
        elif name in WORKERS:
            host = ("--celery-hostname", f"{name}@%h", "--concurrency", "4")
            quiet = ("--skip-serve-logs", "--without-gossip", "--without-mingle")
            self.spawn("celery", "worker", *host, *quiet, called=name)
        elif name in TRIGGERERS:
            self.spawn("triggerer", "--skip-serve-logs", called=name)
        elif name == "api-server":
            self._spawn_server()
        else:
            self.spawn(name)

    def revive(self) -> None:
        """Start again what has ended by itself, as whoever runs it in earnest does.

        A scheduler ends when its database is gone.
        """
        for name, process in list(self.processes.items()):
            if process.poll() is not None:
                del self.processes[name]
                self.start_part(name)

    def strike(self, name: str) -> None:
        """Kill one of its processes, without a word to anybody."""
        if name in self.servers:
            self.servers[name].kill()
        else:
            self.kill(name)


def redis_url(server: LocalDatabase) -> str:
    """Return the URL of a Redis that was started."""
    return f"redis://127.0.0.1:{server.connection['port']}"
