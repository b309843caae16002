"""The reader of images: what is decoded, what is said, what is refused."""

import io
import struct

import cv2
import numpy as np
import pytest
from pictures import HEIGHT, WIDTH, decode, encoded, pil, saved
from PIL import Image, ImageOps

from benchmark.datasets import images
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.rescale import rescale


@pytest.fixture(scope='module')
def colour():
    """A smooth colour image (30, 40, 3), BGR, no two corners alike."""
    small = np.random.default_rng(3).integers(0, 256, (5, 6, 3), np.uint8)
    return cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def tiff(values, photometric=1):
    """A grey TIFF of one strip, (h, w) of uint8, uint16, int16 or float32."""
    height, width = values.shape
    kind = {'u': 1, 'i': 2, 'f': 3}[values.dtype.kind]
    entries = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8 * values.dtype.itemsize), (259, 3, 1, 1),
               (262, 3, 1, photometric), (273, 4, 1, 0), (277, 3, 1, 1), (278, 4, 1, height),
               (279, 4, 1, values.nbytes), (339, 3, 1, kind)]
    start = 8 + 2 + 12 * len(entries) + 4
    body = b''.join(struct.pack('<HHII', tag, form, count, start if tag == 273 else value)
                    for tag, form, count, value in entries)
    return b'II*\0' + struct.pack('<IH', 8, len(entries)) + body + b'\0\0\0\0' + values.tobytes()


# 8 bits

@pytest.mark.parametrize('ending', ['.jpg', '.png', '.bmp', '.tif', '.webp'])
@pytest.mark.parametrize('grey', [False, True])
def test_8_bits_are_what_opencv_decodes(colour, ending, grey):
    data = encoded(colour[:, :, 0] if grey else colour, ending)
    decoded = decode(data)
    np.testing.assert_array_equal(decoded.pixels, cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR))
    assert (decoded.said, decoded.size, decoded.as_it_is) == ({}, (WIDTH, HEIGHT), True)


@pytest.mark.parametrize('mode, form', [('1', 'PNG'), ('P', 'PNG'), ('P', 'GIF'), ('P', 'BMP'), ('1', 'TIFF')])
def test_palettes_and_single_bits(colour, mode, form):
    image = pil(colour).quantize(16) if mode == 'P' else pil(colour).convert(mode)
    decoded = decode(saved(image, form))
    np.testing.assert_array_equal(decoded.pixels[:, :, ::-1], np.asarray(image.convert('RGB')))
    assert decoded.said == {}


@pytest.mark.parametrize('form, options', [('TIFF', dict(compression='tiff_lzw')), ('JPEG', dict(quality=95)),
                                           ('TIFF', dict(compression='packbits')), ('TIFF', {})])
def test_cmyk_and_packed(colour, form, options):
    image = pil(colour).convert('RGB' if 'compression' in options else 'CMYK')
    decoded = decode(saved(image, form, **options))
    known = np.asarray(Image.open(io.BytesIO(saved(image, form, **options))).convert('RGB')).astype(int)
    assert np.abs(decoded.pixels[:, :, ::-1] - known).max() <= 1 and decoded.said == {}


def test_zero_is_white_in_some_tiffs(colour):
    values = colour[:, :, 0]
    for dtype, factor in ((np.uint8, 1), (np.uint16, 16)):
        plain = decode(tiff(values.astype(dtype) * dtype(factor), 1)).pixels
        np.testing.assert_array_equal(decode(tiff(values.astype(dtype) * dtype(factor), 0)).pixels, 255 - plain)


def test_the_first_picture_of_a_jpeg_counts(colour):
    data = saved(pil(colour), 'MPO', save_all=True, append_images=[pil(colour).rotate(180)], quality=100)
    assert np.abs(decode(data).pixels.astype(int) - colour).mean() < 4


def test_the_ending_of_a_name_does_not_count(tmp_path, colour):
    (tmp_path / 'a.jpg').write_bytes(encoded(colour, '.png'))
    np.testing.assert_array_equal(images.read_rgb(tmp_path / 'a.jpg'), colour[:, :, ::-1])


# More than 8 bits

def test_rescale_by_hand():
    said = {}
    values = np.array([[100, 200], [400, 610]], np.uint16)
    np.testing.assert_array_equal(rescale(values, said=said), [[0, 50], [150, 255]])
    assert said == {'deep': '100 to 610'}
    assert rescale(np.full((2, 2), 7.5)).tolist() == [[0, 0], [0, 0]]
    np.testing.assert_array_equal(rescale(np.array([-1.0, 0.0, 1.0, 9.0]), np.array([1, 1, 1, 0], bool)),
                                  [0, 128, 255, 255])


@pytest.mark.parametrize('make', [lambda v: encoded(v.astype(np.uint16), '.png'), lambda v: tiff(v.astype(np.uint16)),
                                  lambda v: tiff(v.astype(np.float32) / 7),
                                  lambda v: encoded(v.astype(np.uint16), '.tif'),
                                  lambda v: saved(Image.fromarray(v.astype(np.int32)), 'TIFF'),
                                  lambda v: encoded(v.astype(np.uint16), '.pgm'),
                                  lambda v: tiff((v - 2000).astype(np.int16))])
def test_deep_grey_uses_all_levels(make):
    values = np.arange(1024).reshape(32, 32) * 3 + 500
    decoded = decode(make(values))
    expected = np.rint((values - 500) * 255 / 3069)
    assert decoded.pixels.shape == (32, 32, 3) and len(np.unique(decoded.pixels)) == 256
    np.testing.assert_array_equal(decoded.pixels, expected[:, :, None].repeat(3, 2))
    assert list(decoded.said) == ['deep'] and not decoded.as_it_is


def test_deep_colour_has_one_scale(colour):
    decoded = decode(encoded(colour.astype(np.uint16) * 100 + 7, '.png'))
    low, high = int(colour.min()), int(colour.max())
    np.testing.assert_allclose(decoded.pixels, (colour.astype(float) - low) * 255 / (high - low), atol=0.51)
    assert decoded.said == {'deep': f'{low * 100 + 7} to {high * 100 + 7}'}


def test_a_hot_pixel_is_told_of():
    values = (np.arange(4096).reshape(64, 64) % 4000).astype(np.uint16)
    assert 'few-levels' not in decode(encoded(values, '.png')).said
    values[0, 0] = 65535
    assert decode(encoded(values, '.png')).said['few-levels'].startswith('18 of 4001; 99 % of the pixels lie in ')


def test_values_that_are_not_finite_are_refused():
    values = np.ones((4, 4), np.float32)
    values[1, 1] = np.nan
    with pytest.raises(DataError, match='a.file has values that are not finite'):
        decode(tiff(values))


# Alpha

@pytest.mark.parametrize('form, options', [('PNG', {}), ('TIFF', {}), ('WEBP', dict(lossless=True, exact=True))])
def test_alpha_is_laid_on_white(colour, form, options):
    image = pil(colour)
    alpha = np.tile(np.linspace(0, 255, WIDTH).astype(np.uint8), (HEIGHT, 1))
    image.putalpha(Image.fromarray(alpha))
    decoded = decode(saved(image, form, **options))
    share = alpha[:, :, None] / 255
    np.testing.assert_allclose(decoded.pixels, share * colour + (1 - share) * 255, atol=1)
    assert decoded.said == {'alpha': ''} and not decoded.as_it_is


def test_alpha_that_hides_nothing_is_none(colour):
    image = pil(colour)
    image.putalpha(255)
    for form in ('PNG', 'TIFF'):
        decoded = decode(saved(image, form))
        np.testing.assert_array_equal(decoded.pixels, colour)
        assert decoded.said == {} and decoded.as_it_is


def test_alpha_of_grey_of_palettes_and_of_16_bits(colour):
    grey = pil(colour).convert('L')
    alpha = np.full((HEIGHT, WIDTH), 51, np.uint8)
    grey.putalpha(Image.fromarray(alpha))
    value = np.asarray(grey)[:, :, 0].astype(float)
    np.testing.assert_allclose(decode(saved(grey, 'PNG')).pixels[:, :, 1], 0.2 * value + 0.8 * 255, atol=1)
    palette = pil(colour).quantize(16)
    clear = np.asarray(palette) == 3
    known = np.where(clear[:, :, None], 255, np.asarray(palette.convert('RGB')))
    for form in ('PNG', 'GIF'):
        np.testing.assert_array_equal(decode(saved(palette, form, transparency=3)).pixels[:, :, ::-1], known)
    deep = np.dstack([colour.astype(np.uint16) * 10, np.where(clear, 0, 65535).astype(np.uint16)])
    deep[clear, :3] = 65535  # hidden, so no part of the range
    pixels = decode(encoded(deep, '.png')).pixels
    low, high = colour[~clear].min(), colour[~clear].max()
    np.testing.assert_allclose(pixels[~clear], (colour[~clear].astype(float) - low) * 255 / (high - low), atol=0.51)
    assert (pixels[clear] == 255).all()


@pytest.mark.parametrize('mode, key', [('L', 37), ('RGB', (1, 2, 3)), ('1', 0)])
def test_one_colour_of_a_png_may_be_clear(mode, key):
    image = Image.new(mode, (8, 6), 1 if mode == '1' else 200 if mode == 'L' else (200, 100, 50))
    image.putpixel((2, 3), key)
    known = np.asarray(image.convert('RGB')).copy()
    known[3, 2] = 255
    decoded = decode(saved(image, 'PNG', transparency=key))
    np.testing.assert_array_equal(decoded.pixels[:, :, ::-1], known)
    assert decoded.said == {'alpha': ''}
    deep = np.full((6, 8), 300, np.uint16)
    deep[3, 2], deep[0] = 40, 100
    found = decode(saved(Image.fromarray(deep), 'PNG', transparency=40)).pixels[:, :, 0]
    assert (found[0].max(), found[1].min(), found[3, 2]) == (0, 255, 255)


# Rotation

@pytest.mark.parametrize('form', ['JPEG', 'PNG', 'TIFF', 'WEBP', 'deep TIFF', 'deep PNG'])
@pytest.mark.parametrize('orientation', range(1, 9))
def test_every_rotation_is_turned_or_left(colour, form, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = pil(colour) if ' ' not in form else Image.fromarray(np.arange(1200, dtype=np.uint16).reshape(30, 40))
    data = saved(image, form.split()[-1], exif=exif, **(dict(quality=100, subsampling=0) if form == 'JPEG' else
                                                        dict(lossless=True) if form == 'WEBP' else {}))
    turned, stored = decode(data), decode(data, turned=False)
    known = np.asarray(image if ' ' in form else image.convert('RGB'))
    known = (rescale(known)[:, :, None] if ' ' in form else known).repeat(3 if ' ' in form else 1, axis=2)
    tolerance = 20 if form == 'JPEG' else 0
    assert stored.size == turned.stored == stored.stored == (WIDTH, HEIGHT)
    assert np.abs(stored.pixels[:, :, ::-1].astype(int) - known).max() <= tolerance
    upright = Image.fromarray(known)
    upright.getexif()[0x0112] = orientation
    upright = np.asarray(ImageOps.exif_transpose(upright)).astype(int)
    assert np.abs(turned.pixels[:, :, ::-1] - upright).max() <= tolerance
    wanted = ({'rotation': f'orientation {orientation}'}, {'rotation-stored': f'orientation {orientation}'})
    without = [{k: v for k, v in one.said.items() if k != 'deep'} for one in (turned, stored)]
    assert without == (list(wanted) if orientation > 1 else [{}, {}])


# What is refused

def test_pages_and_frames_are_refused(colour):
    other = pil(colour).rotate(180)
    for form in ('TIFF', 'GIF', 'PNG', 'WEBP'):
        with pytest.raises(DataError, match=r'^a\.file has 3 pages or frames.* Save each as a file'):
            decode(saved(pil(colour), form, save_all=True, append_images=[other, pil(colour).rotate(90)]))


def test_a_reduced_copy_is_no_page(colour):
    copy = pil(colour).resize((20, 15))
    copy.encoderinfo = {'tiffinfo': {254: 1}}
    data = saved(pil(colour), 'TIFF', save_all=True, append_images=[copy])
    np.testing.assert_array_equal(decode(data).pixels, colour)


@pytest.mark.parametrize('data, message', [
    (b'', r'a\.file is empty \(0 bytes\)'),
    (b'no image at all', 'cannot be decoded: no image format that is known'),
    (b'\0\0\0\x18ftypheic\0\0\0\0', 'is HEIC, which is not read. Convert'),
    (b'II*\0\x08\0\0\0', 'the TIFF is damaged'),
    (b'\x89PNG\r\n\x1a\n' + struct.pack('>I4sIIBBBBB', 13, b'IHDR', 60000, 60000, 8, 2, 0, 0, 0) + b'\0\0\0\0',
     'is 60000 x 60000 by its header'),
])
def test_files_that_are_no_image_are_named(data, message, capfd):
    with pytest.raises(DataError, match=message):
        decode(data)
    assert capfd.readouterr().err == ''


def test_files_that_are_cut_short(colour, capfd):
    large = cv2.resize(colour, (400, 300))
    for ending in ('.png', '.tif', '.webp', '.jp2', '.bmp'):
        data = encoded(large, ending)
        with pytest.raises(DataError, match='damaged'):
            decode(data[:len(data) // 2])
    capfd.readouterr()  # libpng writes there
    jpeg = encoded(large, '.jpg')
    assert decode(jpeg).said == decode(jpeg + b'appended by a phone' * 999).said == {}
    assert decode(jpeg[:-2] + b'\0' * 9).said == {'truncated': ''}
    with pytest.raises(DataError, match='it is cut short'):
        decode(jpeg[:len(jpeg) * 3 // 4])
    assert capfd.readouterr().err == ''
