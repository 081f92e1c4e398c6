"""The links from a task: to Codat's Portal, and to the report of what it has done."""

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceKey


class CodatPushOperationLink(BaseOperatorLink):
    """Leads to the company in Codat's Portal, where its push operations are listed.

    The operator pushes it as soon as Codat has accepted the push operation, so that it
    works while the task is still waiting.
    """

    name = "Codat Portal"

    @property
    def xcom_key(self) -> str:
        """The XCom under which the operator pushes the link."""
        return "codat_push_operation_link"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - Airflow's signature
        """Return the link; empty when nothing was accepted.

        Never None: Airflow would show the text "None" as a link.
        """
        return XCom.get_value(key=self.xcom_key, ti_key=ti_key) or ""


class CodatReportLink(BaseOperatorLink):
    """Leads to the report of a task that creates many, where a browser finds it."""

    name = "Report"

    @property
    def xcom_key(self) -> str:
        """The XCom under which the operator pushes the link."""
        return "codat_report_link"

    def get_link(self, operator: "BaseOperator", *, ti_key: "TaskInstanceKey") -> str:  # noqa: ARG002 - Airflow's signature
        """Return the link; empty when there is no report to be found."""
        return XCom.get_value(key=self.xcom_key, ti_key=ti_key) or ""
