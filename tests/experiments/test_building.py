"""Methods are built before anything is trained: what is misspelt costs no training."""

import pytest


@pytest.mark.parametrize('changes, message', [
    ({'model.head.transfer.ed.wieght': 1.0}, "^model: .*unexpected keyword argument 'wieght'"),
    ({'model.head.transfer.ed.stage': 'stage9'}, "^model: .*has no tap 'stage9'. It has: stage1"),
    ({'optim_wrapper.optimizer.weigth_decay': 0.1}, '^optim_wrapper: .*weigth_decay'),
    ({'custom_hooks.3.often': 1}, "^custom_hooks.FiniteLossHook: .*unexpected keyword argument 'often'")])
def test_what_cannot_be_built_is_named(config, source_checkpoint, changes, message):
    from benchmark.experiments.building import build
    cfg = config('ctd_com', source_checkpoint)
    build(cfg)
    cfg.merge_from_dict(changes)
    with pytest.raises(ValueError, match=message):
        build(cfg)


@pytest.mark.parametrize('options', [('--dry-run',), ()])
def test_it_is_refused_in_one_line_before_anything_is_trained(tiny, options):
    text = "methods.update(ctd_com=dict(cfg_options={'model.head.transfer.ed.type': 'Encoder'}))\n"
    out = tiny.run(*options, text=text)
    assert out.returncode == 2 and not (tiny.out / 'runs').exists()
    error, = (line for line in out.stderr.splitlines() if line.startswith('error: '))
    assert error.startswith('error: method ctd_com (') and "model: KeyError: 'Encoder is not in the" in error


def test_shipped_methods_are_not_built_and_others_once(tiny):
    built = tiny.folder / 'cache/built'
    before = set(built.iterdir()) if built.exists() else set()
    assert tiny.run('--dry-run').returncode == 0 and (set(built.iterdir()) if built.exists() else set()) == before
    marks = []
    for weight in ('0.1', "0.2, 'model.gradient_interval': 3"):
        text = f"methods.update(ctd_com=dict(cfg_options={{'model.head.transfer.cd.weight': {weight}}}))\n"
        assert tiny.run('--dry-run', text=text).returncode == 0
        marks.append(set(built.iterdir()) - before)
    assert len(marks[0]) == 1 and marks[0] < marks[1] and len(marks[1]) == 2
