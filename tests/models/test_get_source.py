"""Known sources: packages by npm and pip, checked and read without executing anything; no test uses a network."""

import hashlib
import io
import os
import runpy
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import benchmark

benchmark.register()

import pytest
import tfjs_files
import torch

from benchmark.models.convert import FORMATS, ConversionError, packages
from benchmark.models.convert.getting import cached_at, get_source, is_cached
from benchmark.models.convert.packages import NPM, PACKAGES, PYPI, Package
from benchmark.models.source import FrozenSource

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'get_source.py'


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def tar_of(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode='w:gz') as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    """A little MobileNet's two files, by name."""
    folder = tmp_path_factory.mktemp('network')
    nodes, weights = tfjs_files.Mobile().graph()
    tfjs_files.write(folder / 'm.json', {'node': nodes}, weights)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir(), reverse=True)}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))
    return tmp_path / 'cache'


def known(monkeypatch, data: bytes, network: dict, folder: str, **changes) -> Package:
    """Puts a package into the list."""
    package = Package(**{**dict(
        name='little', registry=NPM, package='@some/little', version='1.2.3', archive='some-little-1.2.3.tgz',
        sha256=sha256(data), size=len(data), members={folder + name: sha256(one) for name, one in network.items()},
        source_format='tfjs', options=dict(channel_order='rgb', mean=(1., 2., 3.), std=(4., 5., 6.)), words='a network',
        licence='MIT', trained_on='nothing', citation='none', url='none', auc=(.5, .6)), **changes})
    monkeypatch.setitem(PACKAGES, 'little', package)
    return package


@pytest.fixture
def npm(tmp_path, monkeypatch, network):
    """An npm that gives what it is told, and the package."""
    archive = tar_of({'package/package.json': b'{}', 'package/../../evil': b'evil',
                      **{f'package/models/{name}': data for name, data in network.items()}})
    (tmp_path / 'bin').mkdir()
    monkeypatch.setenv('PATH', str(tmp_path / 'bin') + os.pathsep + os.environ['PATH'])

    def gives(data: bytes = archive, name: str = 'some-little-1.2.3.tgz', code: int = 0, said: str = '') -> None:
        (tmp_path / 'given').write_bytes(data)
        script = tmp_path / 'bin' / 'npm'
        script.write_text('#!/bin/sh\n'
                          f'echo "$@" > {tmp_path}/asked\n'
                          f'[ {code} = 0 ] && cp {tmp_path}/given "$4/{name}"\n'
                          f"cat >&2 <<'END'\n{said}\nEND\n"
                          f'exit {code}\n')
        script.chmod(0o755)

    gives()
    return gives, known(monkeypatch, archive, network, 'package/models/'), archive


def test_the_list_is_whole():
    assert {'vggface2_mobilenet', 'dlib_resnet', 'imagenet_efficientnet_lite0'} <= PACKAGES.keys()
    for name, one in PACKAGES.items():
        assert one.name == name and one.source_format in FORMATS and one.registry in (NPM, PYPI)
        assert all(len(digest) == 64 and not set(digest) - set('0123456789abcdef')
                   for digest in (one.sha256, *one.members.values()))
        assert all((one.licence, one.trained_on, one.citation, one.words)) and all(.5 < value < 1 for value in one.auc)


def test_a_package_of_npm_becomes_a_checkpoint_in_the_cache(tmp_path, npm, cache):
    said = []
    assert not is_cached('little')
    place, meta = get_source('little', say=said.append)
    assert place == cache / 'sources' / 'little.pth' == cached_at('little') and is_cached('little')
    asked = (tmp_path / 'asked').read_text().split()
    assert asked[:3] == ['pack', '@some/little@1.2.3', '--pack-destination'] and '--ignore-scripts' in asked
    assert said == [f'fetching npm @some/little 1.2.3, {npm[1].size / 1e6:.0f} MB ...']
    assert meta['origin'] == {'registry': 'npm', 'package': '@some/little', 'version': '1.2.3', 'sha256': npm[1].sha256,
                              'member': 'package/models/m.json', 'url': 'none'}
    assert (meta['name'], meta['licence'], meta['statistics']) == ('little', 'MIT', 'measured on 64 drawn faces')
    assert torch.load(place, weights_only=True)['meta'] == meta
    assert FrozenSource(meta['arch'], str(place)).mean.flatten().tolist() == [1.0, 2.0, 3.0]
    assert os.listdir(cache / 'sources') == ['little.pth'] and not (tmp_path / 'evil').exists()
    npm[0](code=1)
    assert get_source('little') == (place, meta)  # It is there: nothing is fetched.


def test_a_checkpoint_of_another_version_is_made_anew(npm, cache):
    place, meta = get_source('little', faces='none')
    content = torch.load(place, weights_only=True)
    content['meta']['origin']['sha256'] = 'another'
    torch.save(content, place)
    assert not is_cached('little')
    assert get_source('little')[1]['statistics'] == 'measured on 64 drawn faces' and is_cached('little')


def test_one_that_was_made_with_other_statistics_is_not_given_to_who_asks_for_none(npm, cache):
    place, meta = get_source('little', faces='none')
    assert 'drawn' not in meta['statistics']
    assert get_source('little')[1]['statistics'] == 'measured on 64 drawn faces'


def test_a_full_disk_is_one_line(npm, cache, monkeypatch):
    from benchmark.models.convert import getting

    def full(*_, **__):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(getting, 'convert', full)
    with pytest.raises(ConversionError, match=r'little\.pth: cannot be made .*No space left.* Free room .*TMPDIR'):
        get_source('little')
    assert not (cache / 'sources/little.pth').exists()


def test_what_is_there_is_kept(tmp_path, npm):
    (tmp_path / 'mine.pth').write_text('precious')
    with pytest.raises(ConversionError, match=r'mine\.pth: exists. Choose another --out, or give --overwrite'):
        get_source('little', tmp_path / 'mine.pth')
    assert (tmp_path / 'mine.pth').read_text() == 'precious'
    assert get_source('little', tmp_path / 'mine.pth', overwrite=True, faces='none')[0] == tmp_path / 'mine.pth'
    assert not is_cached('little')


def test_a_folder_is_no_place_and_nothing_is_fetched(tmp_path, npm):
    with pytest.raises(ConversionError, match='is a folder. Name a file'):
        get_source('little', tmp_path, overwrite=True)
    assert not (tmp_path / 'asked').exists()


def test_the_commands_formats_are_those_of_the_converter():
    from benchmark.commands import convert_source
    assert convert_source.FORMATS == tuple(FORMATS)


@pytest.mark.parametrize(('given', 'message'), [
    (dict(code=1, said="npm error code ETARGET\nnpm error notarget No matching version found for @some/little@1.2.3."),
     'npm does not find it: the registry has it no more'),
    (dict(code=1, said='npm error code E404\nnpm error 404 Not Found'), 'npm does not find it'),
    (dict(code=1, said='npm error code ECONNREFUSED\nnpm error FetchError: request failed, reason: '),
     'npm does not reach the registry. Check the network and the settings of npm'),
    (dict(code=1, said='npm error code EAI_AGAIN'), 'npm does not reach the registry'),
    (dict(code=7, said='npm error code EACCES\nsomething odd'), 'npm ended with 7 and says: something odd'),
    (dict(name='other-1.tgz'), r'gave other-1\.tgz, not some-little-1\.2\.3\.tgz'),
    (dict(data=b'other bytes'), r'some-little-1\.2\.3\.tgz has changed since it was pinned: its SHA-256 is'),
])
def test_what_npm_cannot_give_is_one_line(npm, cache, given, message):
    npm[0](**given)
    with pytest.raises(ConversionError, match=rf'^npm @some/little 1\.2\.3: .*{message}.*get_source\.py little --file'):
        get_source('little')
    assert not cache.exists()


def test_without_npm_it_is_named(npm, tmp_path, monkeypatch):
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(ConversionError, match='is fetched by npm, which is not installed. Install it'):
        get_source('little')


@pytest.fixture
def pip(tmp_path, monkeypatch, network):
    """A folder that pip takes packages from, with one that comes as source and would leave a trace if it were run."""
    setup = f"open({str(tmp_path / 'ran')!r}, 'w').close()\nimport setuptools\nsetuptools.setup(name='little')\n"
    (tmp_path / 'index').mkdir()
    archive = tar_of({'little-1.2.3/setup.py': setup.encode(),
                      'little-1.2.3/PKG-INFO': b'Name: little\nVersion: 1.2.3\n',
                      **{f'little-1.2.3/{name}': data for name, data in network.items()}})
    (tmp_path / 'index' / 'little-1.2.3.tar.gz').write_bytes(archive)
    for name, value in (('NO_INDEX', '1'), ('FIND_LINKS', str(tmp_path / 'index')), ('CONFIG_FILE', os.devnull)):
        monkeypatch.setenv(f'PIP_{name}', value)
    return known(monkeypatch, archive, network, 'little-1.2.3/', registry=PYPI, package='little',
                 archive='little-1.2.3.tar.gz')


def test_a_package_of_pip_is_not_executed(tmp_path, pip):
    place, meta = get_source('little', faces='none')
    assert meta['origin']['registry'] == 'PyPI' and is_cached('little')
    assert not (tmp_path / 'ran').exists()


def test_a_package_of_pip_that_has_changed_or_gone_is_one_line(tmp_path, pip, cache, monkeypatch):
    monkeypatch.setitem(PACKAGES, 'little', replace(pip, sha256='0' * 64))
    with pytest.raises(ConversionError, match=rf'has changed since it was pinned: its SHA-256 is {pip.sha256[:16]}'):
        get_source('little')
    monkeypatch.setitem(PACKAGES, 'little', replace(pip, version='1.2.4'))
    with pytest.raises(ConversionError, match=r'^PyPI little 1\.2\.4: pip does not find it'):
        get_source('little')
    monkeypatch.delenv('PIP_NO_INDEX')
    monkeypatch.setenv('PIP_INDEX_URL', 'http://127.0.0.1:9/simple')
    with pytest.raises(ConversionError, match=r'pip does not reach the registry. Check the network and the settings'):
        get_source('little')
    assert not cache.exists() and not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('kind', ['archive', 'wheel', 'bare'])
def test_a_file_by_hand_is_the_archive_or_the_network_in_it(tmp_path, monkeypatch, npm, network, kind):
    npm[0](code=1)
    file = tmp_path / 'file'
    if kind == 'archive':
        file.write_bytes(npm[2])
    elif kind == 'wheel':
        with zipfile.ZipFile(file, 'w') as wheel:
            for name, data in network.items():
                wheel.writestr(f'little/{name}', data)
        known(monkeypatch, file.read_bytes(), network, 'little/', archive='little-1.2.3-py3-none-any.whl')
    else:
        for name, data in network.items():
            (tmp_path / name).write_bytes(data)
        file = tmp_path / 'm.json'
    assert get_source('little', file=file, faces='none')[1]['name'] == 'little' and is_cached('little')


def test_a_file_that_is_another_is_refused(tmp_path, npm, network, cache):
    file = tmp_path / 'm.json'
    file.write_bytes(b'other')
    with pytest.raises(ConversionError, match=r'm\.json: is neither some-little-1\.2\.3\.tgz nor m\.json of npm @some'):
        get_source('little', file=file)
    with pytest.raises(ConversionError, match=r'absent: cannot be read \(No such file'):
        get_source('little', file=tmp_path / 'absent')
    file.write_bytes(network['m.json'])
    shard = next(name for name in network if name != 'm.json')
    with pytest.raises(ConversionError, match=rf'm\.json: needs {shard} beside it'):
        get_source('little', file=file)
    (tmp_path / shard).write_bytes(b'other')
    with pytest.raises(ConversionError, match=rf'{shard}: has another SHA-256 than was pinned'):
        get_source('little', file=file)
    assert not cache.exists()


def test_an_archive_without_the_network_is_named(tmp_path, monkeypatch, network):
    archive = tar_of({'package/package.json': b'{}'})
    known(monkeypatch, archive, network, 'package/')
    (tmp_path / 'a.tgz').write_bytes(archive)
    with pytest.raises(ConversionError, match=r'a\.tgz: package/m\.json cannot be read \(KeyError\)'):
        get_source('little', file=tmp_path / 'a.tgz')
    broken = archive[:-20]
    known(monkeypatch, broken, network, 'package/')
    (tmp_path / 'a.tgz').write_bytes(broken)
    with pytest.raises(ConversionError, match=r'a\.tgz: package/m\.json cannot be read'):
        get_source('little', file=tmp_path / 'a.tgz')


def test_command_line(npm, cache, capsys):
    main = runpy.run_path(str(TOOL))['main']
    assert main(['--list']) == 0
    said = capsys.readouterr().out
    for words in ('vggface2_mobilenet: ', 'CC0 1.0', 'licence: Apache-2.0', 'AUC: .919 / .987', 'little: a network\n',
                  '145 MB to fetch', 'trained on: VGGFace2 (9131 people'):
        assert words in said
    assert main(['little', '--faces', 'none']) == 0
    out, error = capsys.readouterr()
    assert out == (f'{cache}/sources/little.pth: a network; trained on nothing; input 224x224 RGB; MIT; batch norms of '
                   'mean 0 and variance 1\n')
    assert error.startswith('fetching npm @some/little 1.2.3')
    assert main(['--list']) == 0
    assert 'little: a network, in the cache' in capsys.readouterr().out
    assert main(['absent']) == 2
    said = capsys.readouterr().err
    start, end = "error: 'absent' is no known source. Known are ", ' (--list).\n'
    assert said.startswith(start) and said.endswith(end)
    assert sorted(said[len(start):-len(end)].split(', ')) == sorted(packages.PACKAGES)  # the nearest names come first
    with pytest.raises(SystemExit):
        main([])
    assert 'give the NAME of a source; --list shows them' in capsys.readouterr().err
