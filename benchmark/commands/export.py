"""A detector as one ONNX file, photographs in and landmarks out: tools/export.py NETWORK --out FILE.onnx."""

import argparse
from pathlib import Path

import benchmark
from benchmark.command_line import Parser
from benchmark.utils.refusals import refuse

EPILOG = """examples:
  tools/export.py runs/demo --method ft --out ft.onnx
  tools/export.py copied/network.pth --out one.onnx

Input: images, uint8 (batch, height, width, 3), RGB, of any size; resizing, normalisation, the mean of several networks'
heatmaps and decoding are inside. Outputs: points (batch, landmarks, 2) in pixels of the images, x = 0 at the centre of
the first pixel; scores; and the mean heatmaps. Names and all else lie in the file's metadata. The file is written only
if ONNX Runtime gives torch's landmarks, to 0.001 px.

exit codes: 0 written; 2 bad input, or landmarks that differ"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = Parser(prog='tools/export.py', description=__doc__, epilog=EPILOG,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('network', type=Path, help="a run's folder, a network.pth, a suite's --out, or a folder of copied "
                                              'runs; several networks are an ensemble, the mean of their heatmaps')
    p.add_argument('--out', type=Path, required=True, metavar='FILE.onnx', help='the file; one that is there is '
                                                                                'replaced')
    p.add_argument('--method', help='which method of a suite (default: its only one)')
    p.add_argument('--condition', help='which condition of a suite (default: its only one)')
    p.add_argument('--seeds', help='which seeds, such as 0,1 (default: all that have a network)')
    return p


def main() -> int:
    """Exports; see the exit codes above."""
    args = parser().parse_args()
    benchmark.register()
    from benchmark.detector.exported import export
    from benchmark.detector.loaded import find_networks, load_networks, read_seeds
    from benchmark.detector.work import in_words, notes
    try:
        if args.out.suffix != '.onnx':
            raise ValueError(f'--out {args.out}: give a file that ends in .onnx.')
        found = find_networks(args.network, args.method, args.condition, read_seeds(args.seeds))
        networks, reference = (load_networks(found.paths, 'cpu', laid_out) for laid_out in (False, True))
        checked = export(networks, reference, args.out)
    except (ValueError, OSError) as error:
        return refuse(error, args.out)
    for note in (*found.notes, *notes(networks[0], None, 'Whole images are taken here: give them cut out so.')):
        print(f'note: {note}')
    tied = f'; {checked.tied} more have two maxima of one height' if checked.tied else ''
    print(f'{args.out}: {in_words(networks)}, {args.out.stat().st_size / 2**20:.1f} MiB; {checked.landmarks} landmarks '
          f'of made pictures lie within {checked.furthest:.1g} px of torch\'s{tied}')
    return 0
