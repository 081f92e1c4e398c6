"""The tables of what many customers cost, made from the numbers."""

from textwrap import fill
from typing import Any

BEGIN = "<!-- bulk: written by make bench-bulk -->"
END = "<!-- bulk: end -->"
TITLES = {
    "bulk": "`CreateAccountingCustomersOperator`",
    "bulk-postgres": "`CreateAccountingCustomersOperator`, journal in Postgres",
    "mapped": "`CreateAccountingCustomerOperator`, mapped",
    "commerce-loop": "Codat SDK: sync for commerce, a loop",
    "commerce-threads": "Codat SDK: sync for commerce, 10 threads",
    "expenses-loop": "Codat SDK: sync for expenses, a loop",
    "expenses-threads": "Codat SDK: sync for expenses, 10 threads",
    "http-hook": "`HttpHook`, 10 threads",
    "requests": "bare `requests.Session`, 10 threads",
    "bare": "the bare limit: sockets, bodies encoded beforehand",
}
_PACE = 900
_ROUGH = 100


def rewritten(page: str, result: dict[str, Any]) -> str:
    """Return the page with the tables of a result in it."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables(result)}\n\n{END}{after}"


def tables(result: dict[str, Any]) -> str:
    """Return all tables, in Markdown."""
    parts = {
        "latency": _latency,
        "processor": _processor,
        "invoices": _invoices,
        "minute": _minute,
        "kill": _kill,
        "million": _million,
    }
    found = [part(result) for name, part in parts.items() if name in result]
    return "\n\n".join([*found, _versions(result)])


def wall_seconds(came: dict[str, Any], customers: int) -> float:
    """Return the seconds for all customers where fewer were measured."""
    scaled: float = came["wall_seconds"] * customers / came["customers"]
    return scaled


def requests_each(came: dict[str, Any]) -> float:
    """Return how many requests a customer took that is in the books."""
    each: float = came["requests"] / (came["customers"] - came["lost"])
    return each


def later_share(came: dict[str, Any]) -> float:
    """Return what part of its pace a client keeps, the first minute aside.

    The last minute is seldom a whole one, and counts no more than the first.
    """
    whole = came["each_minute"][1:-1]
    return sum(whole) / (len(whole) * _PACE)


def _latency(result: dict[str, Any]) -> str:
    customers = result["customers"]["latency"]
    came_of = result["latency"]
    rows = []
    for name in (name for name in TITLES if name in came_of):
        came = came_of[name]
        scaled = "" if came["customers"] == customers else "~"
        wall = wall_seconds(came, customers)
        whole = wall + came["process_seconds"] - came["wall_seconds"]
        rows.append(
            f"| {TITLES[name]} | {scaled}{_number(wall)} | {scaled}{_number(whole)} "
            f"| {requests_each(came):.2f} | {came['cpu_milliseconds']:.1f} "
            f"| {came['memory_megabytes']:.0f} | {came['refused']} | {came['lost']} |"
        )
    few = {came["customers"] for came in came_of.values()} - {customers}
    scaled_words = "".join(
        f" `~`: measured with {number} customers, and scaled." for number in sorted(few)
    )
    words = (
        f"{customers} customers, 50 ms for each answer, operations settle after 2 s, "
        f"Codat's own limits.{scaled_words}"
    )
    head = (
        "| Client | First to last request, s | Process, s | Requests per customer "
        "| CPU per customer, ms | Memory, MB | 429s | Lost |"
    )
    return "\n".join([_words(words), "", head, "|---|" + "---:|" * 7, *rows])


def _processor(result: dict[str, Any]) -> str:
    came_of = result["processor"]
    base = came_of.get("requests")
    rows = []
    for name in (name for name in TITLES if name in came_of):
        came = came_of[name]
        spent = came["cpu_milliseconds"]
        times = "" if base is None else f"{spent / base['cpu_milliseconds']:,.2f}"
        rows.append(
            f"| {TITLES[name]} | {came['customers']:,} | {spent:.2f} | {times} |"
        )
    head = "| Client | Customers | CPU per customer, ms | Times `requests.Session` |"
    words = "Processor time, without latency and limits, settling after 0.2 s."
    return "\n".join([_words(words), "", head, "|---|" + "---:|" * 3, *rows])


def _invoices(result: dict[str, Any]) -> str:
    came_of = result["invoices"]
    base = came_of["requests"]["cpu_milliseconds"]
    titles = {**TITLES, "bulk": "`CreateAccountingInvoicesOperator`"}
    rows = [
        f"| {titles[name]} | {requests_each(came):.3f} "
        f"| {came['cpu_milliseconds']:.2f} | {came['cpu_milliseconds'] / base:.2f} "
        f"| {came['lost']} |"
        for name, came in came_of.items()
    ]
    head = (
        "| Client | Requests per invoice | CPU per invoice, ms "
        "| Times `requests.Session` | Lost |"
    )
    words = (
        f"{result['customers']['invoices']:,} invoices of ten lines from a file, "
        "without latency and limits, settling after 0.2 s: the same bytes are sent."
    )
    return "\n".join([_words(words), "", head, "|---|" + "---:|" * 4, *rows])


def _minute(result: dict[str, Any]) -> str:
    rows = [
        f"| {TITLES[name]} | {came['wall_seconds']:.0f} | {came['most_in_a_minute']} "
        f"| {100 * later_share(came):.1f} % | {came['refused']} | {came['lost']} |"
        for name, came in result["minute"].items()
    ]
    head = (
        "| Client | First to last request, s | Most requests in any 60 s "
        f"| Of {_PACE} a minute, from the second minute on | 429s | Lost |"
    )
    words = (
        f"{result['customers']['minute']:,} customers against Codat's limit of 1,000 "
        f"requests a minute, at `requests_per_minute={_PACE}`."
    )
    return "\n".join([_words(words), "", head, "|---|" + "---:|" * 5, *rows])


def _kill(result: dict[str, Any]) -> str:
    places = {"bulk": "files on disk", "bulk-postgres": "Postgres"}
    calm = result["kill"]["bulk"]["undisturbed"]["wall_seconds"]
    rows = []
    for name, place in places.items():
        runs = result["kill"][name]
        for words, came in (
            ("undisturbed", runs["undisturbed"]),
            (_kill_of(runs["killed"]), runs["killed"]),
        ):
            times = came["wall_seconds"] / calm
            rows.append(
                f"| {place} | {words} | {came['wall_seconds']:.0f} | {times:.2f} "
                f"| {came['memory_megabytes']:.0f} | {came['lost']} "
                f"| {came['duplicated']} |"
            )
    head = (
        "| Journal in | Run | First to last request, s | Times the first "
        "| Memory, MB | Lost | Duplicated |"
    )
    words = (
        f"{TITLES['bulk']}, {result['customers']['kill']:,} customers from a file, "
        "without latency and limits; the process was killed with SIGKILL."
    )
    return "\n".join([_words(words), "", head, "|---|---|" + "---:|" * 5, *rows])


def _million(result: dict[str, Any]) -> str:
    rows = [
        f"| {customers:,} | {words} | {came['memory_megabytes']:.0f} "
        f"| {1e6 * came['memory_megabytes'] / customers:,.0f} "
        f"| {came.get('journal_bytes_each') or ''} | {came['lost']} "
        f"| {came['duplicated']} |"
        for customers, words, came in growth(result)
    ]
    head = (
        "| Customers | Run | Memory, MB | Bytes per customer | Journal, bytes per "
        "customer | Lost | Duplicated |"
    )
    words = (
        f"{TITLES['bulk']}, without latency and limits: what grows with the customers. "
        "Memory is what the process has grown by at its most, all of it."
    )
    return "\n".join([_words(words), "", head, "|---:|---|" + "---:|" * 5, *rows])


def growth(result: dict[str, Any]) -> list[tuple[int, str, dict[str, Any]]]:
    """Return the runs that differ in how many customers there were."""
    kill, million = (result[name]["bulk"] for name in ("kill", "million"))
    found = [result["processor"]["bulk"], kill["undisturbed"]]
    struck = [kill["killed"], million["killed"]]
    runs = [(came, "undisturbed") for came in found]
    runs += [(came, _kill_of(came)) for came in struck]
    return [(came["customers"], words, came) for came, words in runs]


def _kill_of(came: dict[str, Any]) -> str:
    records = came["records_at_kill"]
    return f"killed with {records:,} in the books, and tried again"


def _versions(result: dict[str, Any]) -> str:
    used = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return _words(f"Python {result['python']}, {used}, on {result['date']}.")


def _words(text: str) -> str:
    return fill(text, 88, break_on_hyphens=False)


def _number(seconds: float) -> str:
    return f"{seconds:,.{1 if seconds < _ROUGH else 0}f}"
