"""The tables of the comparison under misfortunes, made from its numbers."""

from textwrap import fill
from typing import Any

BEGIN = "<!-- misfortunes: written by make bench-misfortunes -->"
END = "<!-- misfortunes: end -->"
OURS = "CreateAccountingCustomerOperator"
KINDS = {
    "reset_before_commit": "reset, nothing done",
    "reset_after_commit": "reset, customer created",
    "slow": "answer later than the read timeout",
    "codat_error_before_commit": "500 of Codat's, nothing done",
    "codat_error_after_commit": "500 of Codat's, customer created",
    "gateway_error_before_commit": "503 of a gateway, nothing done",
    "too_many_requests": "429, `Retry-After: 1`",
    "cut_body": "answer cut short",
    "junk_body": "200 with a web page for an answer",
}


def rewritten(page: str, result: dict[str, Any]) -> str:
    """Return the page with the tables of a result in it."""
    before, rest = page.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables(result)}\n\n{END}{after}"


def tables(result: dict[str, Any]) -> str:
    """Return all tables, in Markdown."""
    parts = (_mixed, _killed, _loop, _alone, _versions)
    return "\n\n".join(part(result) for part in parts)


def _mixed(result: dict[str, Any]) -> str:
    sums = {
        client: {key: sum(run[key] for run in runs.values()) for key in _MEASURES}
        for client, runs in result["mixed"].items()
    }
    runs = len(result["mixed"][OURS])
    title = f"One POST in ten goes wrong; {runs} x {result['customers']} customers"
    return f"**{title}, a task each.**\n\n{_table(sums)}"


def _killed(result: dict[str, Any]) -> str:
    title = f"Killed {result['kills']} times; {result['customers']} customers, "
    return f"**{title}a task each.**\n\n{_table(result['killed'])}"


def _loop(result: dict[str, Any]) -> str:
    title = f"Killed once, half-way; {result['customers']} customers, "
    return f"**{title}a loop in one task.**\n\n{_table(result['loop'])}"


_MEASURES = {
    "lost": "Lost",
    "duplicated": "Duplicated",
    "raised": "Raised",
    "failed": "Failed",
    "requests": "Requests",
    "seconds": "Seconds",
}


def _table(rows: dict[str, dict[str, float]]) -> str:
    """Return one row for each client."""
    lines = [
        f"| Client | {' | '.join(_MEASURES.values())} |",
        "|---|" + "---:|" * len(_MEASURES),
    ]
    for client, row in rows.items():
        cells = (f"{row[key]:,.0f}" for key in _MEASURES)
        lines.append(f"| {_shown(client)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _alone(result: dict[str, Any]) -> str:
    clients = result["alone"]
    title = f"Each alone, at the first POST of {result['per_kind']} customers"
    lines = [
        f"**{title}: lost / duplicated / failed.**",
        "",
        f"| Misfortune | {' | '.join(map(_shown, clients))} |",
        "|---|" + "---:|" * len(clients),
    ]
    for kind, words in KINDS.items():
        cells = (
            " / ".join(str(of_kind[kind][key]) for key in _OUTCOMES)
            for of_kind in clients.values()
        )
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join(lines)


_OUTCOMES = ("lost", "duplicated", "failed")


def _versions(result: dict[str, Any]) -> str:
    used = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return fill(f"Python {result['python']}, {used}, on {result['date']}.", 88)


def _shown(client: str) -> str:
    return client.replace(OURS, f"`{OURS}`")
