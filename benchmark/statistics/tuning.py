"""What was tuned before the runs that stand in the results: trials per method, their validation errors, the choices."""

from __future__ import annotations

from typing import Any

import numpy as np


def tuning(plan: dict[str, Any]) -> dict[str, Any] | None:
    """Summarise the trials of a suite.

    Args:
        plan: The suite's plan with ``tuning.groups``, the content of ``tuning.json``.

    Returns:
        Per method and condition: the trials in their order, each with its values, the seeds that chose it, and its mean
        validation ME over seeds; how many trainings there were and how many failed. None where nothing was tuned.
    """
    about = plan.get('tuning') or {}
    groups = about.get('groups') or []
    if not groups:
        return None
    methods: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for group in groups:
        rows = methods.setdefault(group['method'], {}).setdefault(
            group['condition'], [{'values': one['values'], 'chosen': 0, 'errors': []} for one in group['tries']])
        for row, one in zip(rows, group['tries'], strict=True):
            row['chosen'] += one['id'] == group['chosen']
            row['errors'] += [one['validation']] if one['validation'] is not None else []
    for conditions in methods.values():
        for rows in conditions.values():
            for row in rows:
                errors = row.pop('errors')
                row.update(validation=float(np.mean(errors)) if errors else None, n_seeds=len(errors))
    trials = list({one['id']: one for group in groups for one in group['tries']}.values())
    seconds = [one['seconds'] for one in trials if one.get('seconds') is not None]
    return {'kind': about.get('kind', 'grid'), 'tries': max(len(group['tries']) for group in groups),
            'trainings': len(trials), 'seconds': sum(seconds) if seconds else None,
            'failed': sum(one['state'] == 'failed' for one in trials), 'groups': len(groups),
            'unsettled': sum(group['chosen'] is None for group in groups), 'methods': methods}
