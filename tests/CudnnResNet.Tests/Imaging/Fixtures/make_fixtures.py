#!/usr/bin/env python3
"""Makes the images of this folder and what Pillow reads from them and resizes them to (Debian 12: python3-pil 9.4,
python3-numpy, libturbojpeg0). The picture is synthetic: gradients, edges and a little noise.

    python3 make_fixtures.py
"""
import ctypes, io, os, struct, zlib
import numpy as np
from PIL import Image, ImageOps

os.chdir(os.path.dirname(os.path.abspath(__file__)))


def picture(width, height, seed=7):
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(float)
    red = 255 * x / (width - 1)
    green = 127.5 + 127.5 * np.sin(x / 5) * np.cos(y / 7)
    blue = 255 * ((x // 8 + y // 8) % 2)
    rgb = np.stack([red, green, blue], 2) + random.normal(0, 6, (height, width, 3))
    rgb[height // 3: height // 2, width // 4: width // 2] = (250, 10, 30)
    return np.clip(rgb, 0, 255).round().astype(np.uint8)


def expect(name, image):
    np.save(name + '.npy', np.asarray(image.convert('RGB')))


def encoded(name, image, **options):
    image.save(name, **options)
    expect(name, Image.open(name))


rgb = Image.fromarray(picture(61, 43))
encoded('baseline444.jpg', rgb, quality=92, subsampling=0)
encoded('baseline420.jpg', rgb, quality=85, subsampling=2)
encoded('baseline422.jpg', rgb, quality=85, subsampling=1)
encoded('progressive.jpg', rgb, quality=80, progressive=True)
encoded('grey.jpg', rgb.convert('L'), quality=90)
encoded('cmyk.jpg', rgb.convert('CMYK'), quality=90)

# YCCK: libjpeg-turbo's own encoder makes it of CMYK pixels.
turbo = ctypes.CDLL('libturbojpeg.so.0')
turbo.tjInitCompress.restype = ctypes.c_void_p
cmyk = 255 - np.asarray(rgb.convert('CMYK')).copy()
out, size = ctypes.POINTER(ctypes.c_ubyte)(), ctypes.c_ulong(0)
assert turbo.tjCompress2(ctypes.c_void_p(turbo.tjInitCompress()), cmyk.ctypes.data_as(ctypes.c_void_p), 61, 0, 43, 11,
                         ctypes.byref(out), ctypes.byref(size), 2, 88, 0) == 0
open('ycck.jpg', 'wb').write(bytes(out[:size.value]))
expect('ycck.jpg', Image.open('ycck.jpg'))

# RGB stored as it is, without luma and chroma.
small = Image.fromarray(picture(24, 16, seed=9))
for orientation in range(1, 9):
    exif = Image.Exif()
    exif[0x0112] = orientation
    name = f'orientation{orientation}.jpg'
    small.save(name, quality=90, subsampling=0, exif=exif)
    expect(name, ImageOps.exif_transpose(Image.open(name)))
exif = Image.Exif()
exif[0x0112] = 6
small.save('orientation6.png', exif=exif)
expect('orientation6.png', ImageOps.exif_transpose(Image.open('orientation6.png')))

encoded('rgb.png', rgb)
encoded('grey.png', rgb.convert('L'))
encoded('palette.png', rgb.quantize(37))
encoded('palette_transparent.png', rgb.quantize(12), transparency=3)
encoded('bits1.png', rgb.convert('1'))
encoded('bits4.png', rgb.quantize(9), bits=4)
alpha = Image.fromarray(picture(61, 43, seed=3)[:, :, 1])
rgba = rgb.copy()
rgba.putalpha(alpha)
encoded('rgba.png', rgba)
grey_alpha = rgb.convert('L')
grey_alpha.putalpha(alpha)
encoded('grey_alpha.png', grey_alpha)


def chunk(kind, content):
    return struct.pack('>I', len(content)) + kind + content + struct.pack('>I', zlib.crc32(kind + content))


def png(name, depth, colour, rows, interlaced=0, extra=b''):
    """Writes what Pillow does not: 16 bits, Adam7, a gamma chunk. rows: bytes of each row of each pass."""
    header = struct.pack('>IIBBBBB', 61, 43, depth, colour, 0, 0, interlaced)
    data = b''.join(b'\0' + row for row in rows)
    with open(name, 'wb') as file:
        file.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + extra + chunk(b'IDAT', zlib.compress(data, 9)) + chunk(b'IEND', b''))


pixels = np.asarray(rgb)
wide = pixels.astype(np.uint16) * 256 + np.random.default_rng(1).integers(0, 128, pixels.shape, dtype=np.uint16)
png('rgb16.png', 16, 2, [row.astype('>u2').tobytes() for row in wide])
expect('rgb16.png', Image.open('rgb16.png'))
png('grey16.png', 16, 0, [row[:, 0].astype('>u2').tobytes() for row in wide])
np.save('grey16.png.npy', np.repeat(pixels[:, :, :1], 3, 2))  # Pillow clips 16-bit grey instead of scaling it.
adam7 = [pixels[y0::dy, x0::dx] for x0, y0, dx, dy in
         [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]]
png('interlaced.png', 8, 2, [row.tobytes() for part in adam7 for row in part], interlaced=1)
expect('interlaced.png', Image.open('interlaced.png'))
png('gamma.png', 8, 2, [row.tobytes() for row in pixels], extra=chunk(b'gAMA', struct.pack('>I', 100000)))
expect('gamma.png', Image.open('gamma.png'))

# Resizes of rgb.png, by the name FILTER_WIDTHxHEIGHT.
for name, kernel in [('bilinear', Image.BILINEAR), ('bicubic', Image.BICUBIC)]:
    for size in [(30, 21), (17, 40), (61, 20), (100, 43), (128, 97), (7, 5), (61, 43)]:
        np.save(f'{name}_{size[0]}x{size[1]}.npy', np.asarray(rgb.resize(size, kernel)))

# torchvision's evaluation: shorter side, then the centre; a wide, a tall and a small image.
from torchvision import transforms as T
for number, (width, height) in enumerate([(61, 43), (43, 75), (20, 26)]):
    image = Image.fromarray(picture(width, height, seed=20 + number))
    image.save(f'evaluation{number}.png')
    for resize, crop in [(32, 28), (33, 28), (24, 31)]:
        done = T.Compose([T.Resize(resize), T.CenterCrop(crop)])(image)
        np.save(f'evaluation{number}_{resize}_{crop}.npy', np.asarray(done))

# Operations of torchvision's augmentations on rgb.png.
import math
from torchvision.transforms import functional as F
operations = {
    'brightness': F.adjust_brightness(rgb, 1.45), 'contrast': F.adjust_contrast(rgb, 0.55), 'saturation': F.adjust_saturation(rgb, 1.8),
    'hue': F.adjust_hue(rgb, 0.2), 'sharpness': F.adjust_sharpness(rgb, 1.7), 'blur': F.adjust_sharpness(rgb, 0.2),
    'posterize': F.posterize(rgb, 5), 'solarize': F.solarize(rgb, 140.0),
    'autocontrast': F.autocontrast(F.adjust_contrast(rgb, 0.5)), 'equalize': F.equalize(rgb), 'rotate': F.rotate(rgb, 21.0),
    'shear': F.affine(rgb, angle=0.0, translate=[0, 0], scale=1.0, shear=[math.degrees(math.atan(0.21)), 0.0], center=[0, 0]),
    'shear_down': F.affine(rgb, angle=0.0, translate=[0, 0], scale=1.0, shear=[0.0, math.degrees(math.atan(-0.15))], center=[0, 0]),
    'translate': F.affine(rgb, angle=0.0, translate=[9, -4], scale=1.0, shear=[0.0, 0.0]),
}
for name, image in operations.items():
    np.save(f'augmented_{name}.npy', np.asarray(image))
