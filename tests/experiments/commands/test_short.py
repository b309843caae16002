"""--short: a suite's trial on data of one's own, from command to page."""

from pathlib import Path

import pytest

from benchmark.experiments.commands.arguments import SHORT, adjust, parser
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.suite import load_suite

ROOT = Path(__file__).parents[3]
SUITE = """
_base_ = {base!r}
methods = dict(_delete_=True, ft=dict(settings=dict(epochs=70)), hg={{}})
seeds = [3, 4, 5]
conditions = dict(few=dict(label='10 labels', num_labels=10, iterations=900), all=dict(label='all labels'))
analysis = dict(proposed=None, reference=None, margin=dict(ME=0.1), sequential=dict(max_seeds=9))
tuning = dict(trials=2, kind='grid', axes={{
    name: {{'optim_wrapper.optimizer.lr': [1e-3, 1e-4]}} for name in ('ft', 'hg')}})
"""

#: A cross-validation takes neither conditions of labels nor tuning.
WHOLE = "conditions = dict(all=dict(label='all labels'))\ntuning = None\nanalysis.pop('sequential')\n"


def shortened(tmp_path, *options: str, text: str = ''):
    path = tmp_path / 'own.py'
    path.write_text(SUITE.format(base=str(ROOT / 'mmconfigs/suites/smoke.py')) + text)
    args = parser().parse_args([str(path), '--short', *options])
    return adjust(load_suite(str(path)), args)


def test_every_method_once_with_few_steps_under_the_main_condition(tmp_path):
    suite = shortened(tmp_path)
    assert suite.seeds == [3] and list(suite.conditions) == ['few'] and suite.tuning is None
    for method in suite.methods:
        settings = suite.settings_of('few', method)
        assert (settings.iterations, settings.epochs) == (SHORT, None)
    assert suite.conditions['few'].num_labels == 10 and suite.analysis.margin == {'ME': 0.1}
    assert suite.analysis.sequential is None
    assert 'numbers mean nothing' in suite.caution and suite.title.endswith('(a trial)')


def test_one_repetition_of_the_folds(tmp_path):
    suite = shortened(tmp_path, '--folds', '3', text=WHOLE)
    assert (suite.data.folds, suite.data.repeats, len(suite.seeds)) == (3, 1, 1)


@pytest.mark.parametrize('options', [('--seeds', '4'), ('--until', 'settled'), ('--folds', '3', '--repeats', '2')])
def test_what_asks_for_more_is_refused(tmp_path, options):
    with pytest.raises(SuiteError, match=rf'^{options[-2]} {options[-1]}: --short trains each method once\.'):
        shortened(tmp_path, *options, text=WHOLE)
