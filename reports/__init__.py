"""analysis.json to a self-contained HTML page, figures and tables; knows nothing of how runs are made."""

from .build import ReportError, build_report

__all__ = ['ReportError', 'build_report']
