"""What a tool says when it can't go on."""

import pytest

from benchmark.utils.refusals import refuse


@pytest.mark.parametrize(('error', 'said'), [
    (ValueError('a.json: field b is missing.\n  Give one.'), 'a.json: field b is missing. Give one.'),
    (FileNotFoundError(2, 'No such file or directory', 'c.csv'),
     'c.csv: No such file or directory. Check path, permissions and free space.'),
    (OSError(28, 'No space left on device'), 'out: No space left on device. Check path, permissions and free space.'),
    (FileNotFoundError('mmengine says: no d.py'), 'mmengine says: no d.py'),
])
def test_it_is_one_line_that_names_the_file(error, said, capsys):
    assert refuse(error, 'out') == 2
    assert capsys.readouterr().err == f'error: {said}\n'
    assert refuse(error, code=1) == 1
