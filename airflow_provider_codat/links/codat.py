"""The links from a task: to Codat's Portal, and to the report of what it has done."""

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey


class _PushedLink(BaseOperatorLink):
    """A link that the operator pushes while it runs."""

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:
        """Return the link; empty when none was pushed.

        Never None: Airflow would show the text "None" as a link. The worker, which
        Airflow 3 asks at the end of each task, knows what it has pushed itself: Airflow
        logs it as an error when an XCom is not there.
        """
        pushed: dict[str, str] | None = getattr(operator, "pushed_links", None)
        if pushed is not None:
            return pushed.get(self.xcom_key, "")
        return XCom.get_value(key=self.xcom_key, ti_key=ti_key) or ""


class CodatPushOperationLink(_PushedLink):
    """Leads to the company in Codat's Portal, where its push operations are listed.

    The operator pushes it as soon as Codat has accepted the push operation, so that it
    works while the task is still waiting.
    """

    name = "Codat Portal"

    @property
    def xcom_key(self) -> str:
        """The XCom under which the operator pushes the link."""
        return "codat_push_operation_link"


class CodatReportLink(_PushedLink):
    """Leads to the report of a task that creates many, where a browser finds it."""

    name = "Report"

    @property
    def xcom_key(self) -> str:
        """The XCom under which the operator pushes the link."""
        return "codat_report_link"
