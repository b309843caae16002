"""Bytes of small image files, and the reader of images."""

import io

import cv2
import numpy as np
from PIL import Image

from benchmark.datasets import images

WIDTH, HEIGHT = 40, 30


def pil(bgr):
    return Image.fromarray(np.ascontiguousarray(bgr[:, :, ::-1]))


def saved(image, form, **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def encoded(array, ending):
    return cv2.imencode(ending, array)[1].tobytes()


def decode(data, **options):
    return images.decode(data, 'a.file', **options)
