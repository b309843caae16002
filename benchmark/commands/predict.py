"""Landmarks on photographs that nobody has annotated: tools/predict.py NETWORK IMAGES [IMAGES ...] --out DIR."""

import argparse
import sys
from pathlib import Path

import benchmark
from benchmark.command_line import Parser
from benchmark.experiments.state.locks import FolderLock, Locked
from benchmark.utils.refusals import refuse
from benchmark.utils.signals import Stop

EPILOG = """examples:
  tools/predict.py runs/demo photographs --method ft --out predicted
  tools/predict.py runs/demo/runs/ft/all-seed0-1a2b3c4d a.jpg b.jpg --out predicted
  tools/predict.py copied/network.pth list.txt --out predicted

DIR gets landmarks.csv, measurements.csv, images.csv, landmarks.coco.json, pictures/ and index.html, a page to leaf
through with the doubtful photographs first. Coordinates are pixels of the photograph as viewers show it; x = 0 is the
centre of the first pixel. The same command again goes on where it was stopped, and does only what is new.

exit codes: 0 all photographs have landmarks; 1 some can't be read; 2 bad input; 130 stopped before the end"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = Parser(prog='tools/predict.py', description=__doc__, epilog=EPILOG,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('network', type=Path, help="a run's folder, a network.pth, a suite's --out, or a folder of copied "
                                              'runs; several networks are an ensemble, the mean of their heatmaps')
    p.add_argument('images', type=Path, nargs='+', help='folders, image files, or .txt files with a path a line')
    p.add_argument('--out', type=Path, required=True, metavar='DIR', help='output folder')
    p.add_argument('--method', help='which method of a suite (default: its only one)')
    p.add_argument('--condition', help='which condition of a suite (default: its only one)')
    p.add_argument('--seeds', help='which seeds, such as 0,1 (default: all that have a network)')
    p.add_argument('--coverage', type=float, metavar='SHARE', help='how many of new photographs the regions around '
                   'landmarks hold on (default: 0.9, where the validation images can promise it)')
    p.add_argument('--format', metavar='NAMES', help='further forms, with commas: pts, csv (a row per photograph), '
                   'labelme; none for none (default: that of the data that the network learnt on, where it is one of '
                   'these); landmarks.csv and COCO are always written')
    p.add_argument('--boxes', type=Path, metavar='CSV', help='image,left,top,width,height in pixels: what to cut out '
                   'around, for a network whose images were cut out of photographs (tools/prepare_data.py --size)')
    p.add_argument('--rotation', choices=('turned', 'stored'), default='turned',
                   help='frame of photographs that carry an EXIF rotation (default: turned, as viewers show them)')
    p.add_argument('--dicom-window', action='store_true',
                   help='rescale grey values of DICOM over the first window of each file, not over the full range')
    p.add_argument('--batch-size', type=int,
                   help='photographs in a batch (default: 32 at an input of 128 x 128 pixels, fewer at larger ones)')
    p.add_argument('--device', default='auto', help="torch's name of the device (default: the first GPU, or cpu)")
    p.add_argument('--picture-size', type=int, default=640, metavar='PX',
                   help='longer side of the pictures (default: 640; 0 makes none)')
    return p


def main() -> int:
    """Predicts; see the exit codes above."""
    args = parser().parse_args()
    benchmark.register()
    from benchmark.detector.loaded import read_seeds
    from benchmark.detector.work import Options, predict_folder
    try:
        for name, least in (('batch_size', 1), ('picture_size', 0)):
            if getattr(args, name) is not None and getattr(args, name) < least:
                raise ValueError(f'--{name.replace("_", "-")} {getattr(args, name)}: give {least} or more.')
        if args.coverage is not None and not 0 < args.coverage < 1:
            raise ValueError(f'--coverage {args.coverage:g}: give a share between 0 and 1, such as 0.9.')
        stop = Stop()
        with stop.heard():
            left, bad = predict_folder(Options(
                args.network, args.images, args.out, args.method, args.condition, read_seeds(args.seeds), args.boxes,
                args.rotation == 'turned', args.dicom_window, args.batch_size, args.device,
                args.picture_size or None, args.coverage,
                None if args.format is None else [name for name in map(str.strip, args.format.split(','))
                                                  if name not in ('', 'none')]),
                stop.is_set, lambda line: print(line, flush=True), FolderLock)
    except (ValueError, OSError, Locked) as error:
        return refuse(error, args.out)
    if left:
        print(f'stopped: {left} photographs are left; the same command goes on', file=sys.stderr)
        return 130
    return 1 if bad else 0
