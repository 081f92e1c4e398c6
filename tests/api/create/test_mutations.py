"""The property test can fail: each rule of the protocol that is taken out turns it red.

The package is copied, one text in it is replaced, and the test runs against the copy.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import airflow_provider_codat

ROOT = Path(airflow_provider_codat.__file__).parents[1]
TEST = Path(__file__).with_name("test_exactly_once.py")
MODELS = [TEST.parents[1] / f"{name}.py" for name in ("codat_model", "create_story")]
ALL_TESTS = TEST.parents[2] / "conftest.py"
PROGRAM = """
import sys, pytest, airflow_provider_codat as found
assert found.__file__.startswith(sys.argv[1]), found.__file__
sys.exit(pytest.main(sys.argv[2:]))
"""

# What is broken: in which file, the text, and what stands in its place.
MUTATIONS = {
    "a resend has another body": (
        "create/next_step.py",
        "    if last.intent.digest != current.digest:\n        return Step(\n",
        '    if current.digest == "":\n        return Step(\n',
    ),
    "a resend has another query": (
        "create/attempt.py",
        "replace(self._write.request(intent.key), query=intent.query)",
        "self._write.request(intent.key)",
    ),
    "whatever failed has created nothing": (
        "create/settle.py",
        "refused = bool(operation.errors) and operation.record_id is None",
        "refused = True",
    ),
    "what timed out has created nothing": (
        "create/settle.py",
        'return operation.status == "Failed" and refused',
        'return operation.status == "TimedOut" or refused',
    ),
    "what cannot be compared is different": (
        "books/record_match.py",
        "return next(iter(found)) if len(found) == 1 else UNCLEAR",
        "return SAME if found == {SAME} else DIFFERENT",
    ),
    "a 4xx is always a no": (
        "http/retry.py",
        "return Verdict.UNKNOWN if sends.unresolved else Verdict.REFUSE",
        "return Verdict.REFUSE",
    ),
    "an intent that is found was not sent": (
        "create/next_step.py",
        "Sends(self.intent.at, unresolved=True, unreadable=self.unreadable)",
        "Sends(self.intent.at, unreadable=self.unreadable)",
    ),
    "a key's age is checked once per call": (
        "http/exchange.py",
        "        outcome.begin(patience.clock())\n",
        "        if not attempt:\n            outcome.begin(patience.clock())\n",
    ),
    "a key's age begins anew with each try": (
        "create/submit.py",
        "History(write, past.entries)",
        "History(write, tuple(replace(e, at=patience.clock()) for e in past.entries))",
    ),
    "a key is sent again after a 500": (
        "create/next_step.py",
        'if last.get("5xx") or ',
        "if ",
    ),
    "an intent is written down after it was sent": (
        "create/attempt.py",
        "            yield from self.intend(number, because, self._patience.clock())\n",
        (
            "            anew = self.intend(number, because, self._patience.clock())\n"
            "            self._history.add(next(anew).entry)\n"
        ),
    ),
    "a key with an unanswered send is released": (
        "create/attempt.py",
        "free = not self._unanswered_at and not latest.since",
        "free = True",
    ),
    "a second key is not doubted by the next try": (
        "create/next_step.py",
        'return STALE if last.intent in current.found else ""',
        'return ""',
    ),
    "what may still act is not waited for": (
        "create/history.py",
        "return max(latest, unanswered + lifetime_seconds)",
        "return max(latest, unanswered)",
    ),
    "what is not listed yet is not waited for": (
        "create/submit.py",
        "max(quiet + self._write.grace_seconds, step.not_before)",
        "max(quiet, step.not_before)",
    ),
    "an unreadable yes is followed by a create": (
        "create/submit.py",
        "may_follow = self._write.durable and not self._history.said_yes",
        "may_follow = self._write.durable",
    ),
}


def run_on(package_parent: Path) -> subprocess.CompletedProcess[str]:
    """Run the property test, from elsewhere, on the package in a folder."""
    for each in (TEST, *MODELS, ALL_TESTS):
        shutil.copy(each, package_parent)
    others = {k: v for k, v in os.environ.items() if k != "CODAT_EXAMPLES"}
    options = ["-x", "-q", "-p", "no:cacheprovider", TEST.name]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(package_parent), *options],
        cwd=package_parent,
        env={**others, "PYTHONPATH": str(package_parent), "CODAT_NO_SHRINKING": "1"},
        check=False,
        capture_output=True,
        text=True,
        timeout=1500,
    )


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """Copy the package; return the folder that holds it."""
    name = airflow_provider_codat.__name__
    shutil.copytree(
        ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path


@pytest.mark.slow
def test_unchanged(copied: Path) -> None:
    """The copy itself passes: what turns the others red is the mutation alone."""
    ran = run_on(copied)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation(name: str, copied: Path) -> None:
    """A rule of the protocol cannot be taken out unnoticed."""
    module, text, other = MUTATIONS[name]
    path = copied / airflow_provider_codat.__name__ / "api" / module
    source = path.read_text(encoding="utf-8")
    assert source.count(text) == 1, f"{module} has moved on: mend this mutation"
    path.write_text(source.replace(text, other), encoding="utf-8")
    ran = run_on(copied)
    assert ran.returncode == pytest.ExitCode.TESTS_FAILED, ran.stdout + ran.stderr
    # It must fail by a law, not because the mutation makes no sense.
    assert "AssertionError" in ran.stdout, ran.stdout
