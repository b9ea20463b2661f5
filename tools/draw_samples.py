#!/usr/bin/env python3
"""Draws the project's own sample images into assets/images: a ray-marched lake, an odd-sized one, a pixel, gradients.

Usage: python3 tools/draw_samples.py [OUTPUT_FOLDER]. Needs numpy and pillow; the same pixels on every run.
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

SUN = np.array([0.55, 0.26, 0.79])
SUN = SUN / np.linalg.norm(SUN)
LATTICE = np.random.default_rng(1841).random((256, 256))
WATER = 0.0
FAR = 60.0


def noise(x, y):
    """Smooth value noise in [0, 1] on a lattice of unit squares."""
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - column, y - row
    fx, fy = fx**3 * (fx * (fx * 6 - 15) + 10), fy**3 * (fy * (fy * 6 - 15) + 10)
    corner = [[LATTICE[(row + j) % 256, (column + i) % 256] for i in (0, 1)] for j in (0, 1)]
    top = corner[0][0] * (1 - fx) + corner[0][1] * fx
    bottom = corner[1][0] * (1 - fx) + corner[1][1] * fx
    return top * (1 - fy) + bottom * fy


def fractal(x, y, octaves):
    """Octaves of noise, each turned so that the lattice does not show; about [0, 1]."""
    total, amplitude = np.zeros_like(x), 0.5
    for _ in range(octaves):
        total = total + amplitude * noise(x, y)
        x, y, amplitude = 1.6 * x + 1.2 * y + 17.3, -1.2 * x + 1.6 * y + 5.1, amplitude / 2
    return total


def ground(x, z, octaves=7):
    """Height of the land: ridges that grow with the distance, a lake in the middle."""
    ridge = 1 - np.abs(2 * fractal(0.11 * x + 3.7, 0.11 * z + 1.9, octaves) - 1)
    hills = fractal(0.32 * x + 40, 0.32 * z + 11, octaves) - 0.55
    shore = np.clip((np.hypot(0.8 * (x + 0.5), z - 5) - 5.2) / 9, -0.25, 1.6)
    return 5.2 * shore * ridge**2.2 + 0.9 * hills + 0.15 * shore


def normal(x, z, octaves):
    e = 0.02
    slope_x = (ground(x + e, z, octaves) - ground(x - e, z, octaves)) / (2 * e)
    slope_z = (ground(x, z + e, octaves) - ground(x, z - e, octaves)) / (2 * e)
    n = np.stack([-slope_x, np.ones_like(x), -slope_z], -1)
    return n / np.linalg.norm(n, axis=-1, keepdims=True)


def march(origin, ray, steps=160):
    """Distance along each ray to the land; FAR where there is none."""
    origin = np.broadcast_to(origin, ray.shape).reshape(-1, 3)
    ray, shape = ray.reshape(-1, 3), ray.shape[:-1]
    distance, flying = np.full(len(ray), 0.25), np.arange(len(ray))
    for _ in range(steps):
        point = origin[flying] + ray[flying] * distance[flying, None]
        gap = point[:, 1] - ground(point[:, 0], point[:, 2], 6)
        flying, gap = flying[gap > 0.0012 * distance[flying]], gap[gap > 0.0012 * distance[flying]]
        distance[flying] = np.minimum(distance[flying] + 0.4 * np.maximum(gap, 0.006 * distance[flying]), FAR)
        flying = flying[(distance[flying] < FAR) & (origin[flying, 1] + ray[flying, 1] * distance[flying] < 9)]
    distance[flying] = FAR
    above = origin[:, 1] + ray[:, 1] * distance >= 9
    return np.where(above, FAR, distance).reshape(shape)


def sky(ray):
    """Colour of the sky: evening gradient, sun, clouds."""
    up = np.clip(ray[..., 1], 0.015, 1)[..., None]
    toward = np.clip(ray @ SUN, 0, 1)[..., None]
    colour = np.array([0.20, 0.38, 0.68]) * (1 - up) ** 2.5 * 0.5 + np.array([0.16, 0.33, 0.66]) * 0.55
    colour = colour + np.array([0.85, 0.55, 0.33]) * np.exp(-6 * up) * (0.35 + 0.65 * toward**3)
    colour = colour + np.array([1.0, 0.75, 0.45]) * (0.35 * toward**24 + 1.2 * toward**900)
    plane = ray[..., :1] / (up + 0.06), ray[..., 2:] / (up + 0.06)
    density = fractal(0.75 * plane[0] + 9, 1.15 * plane[1] + 2, 7)
    cloud = np.clip((density - 0.50) * 3.4, 0, 1) * np.clip(up * 9, 0, 1)
    lit = np.array([1.0, 0.88, 0.78]) * (0.72 + 0.4 * toward**2) - np.array([0.42, 0.40, 0.33]) * np.clip((density - 0.58) * 3, 0, 0.8)
    return colour * (1 - cloud) + lit * cloud


def land(point, ray, distance):
    """Colour of the land: rock, grass, snow by slope and height; sun, shadow, haze."""
    x, y, z = point[..., 0], point[..., 1], point[..., 2]
    n = normal(x, z, 9)
    grain = fractal(5.5 * x, 5.5 * z, 5)[..., None]
    rock = np.array([0.36, 0.31, 0.28]) * (0.55 + 0.9 * grain)
    grass = (np.array([0.20, 0.27, 0.08]) * (1 - grain) + np.array([0.46, 0.42, 0.14]) * grain) * (0.6 + 0.8 * grain)
    patches = fractal(1.4 * x + 7, 1.4 * z, 5)
    green = np.clip((n[..., 1] - 0.66) * 6 + (patches - 0.5) * 3, 0, 1)[..., None]
    snow = np.clip((y - 2.3 + 2.2 * (patches - 0.5)) * 2.2, 0, 1) * np.clip((n[..., 1] - 0.5) * 5, 0, 1)
    sand = np.exp(-np.clip(y - 0.015, 0, None) * 26)[..., None]
    colour = rock * (1 - green) + grass * green
    colour = colour * (1 - sand) + np.array([0.50, 0.42, 0.30]) * (0.6 + 0.7 * grain) * sand
    colour = colour * (1 - snow[..., None]) + np.array([0.92, 0.93, 0.97]) * snow[..., None]
    sun = np.clip(n @ SUN, 0, 1) * shadow(point)
    light = np.array([1.75, 1.35, 0.95]) * sun[..., None] + np.array([0.30, 0.37, 0.50]) * (0.45 + 0.55 * n[..., 1:2])
    return haze(colour * light, ray, distance)


def shadow(point, steps=28):
    """Share of the sun that reaches a point, soft at the edges."""
    share, along = np.ones(point.shape[:-1]), 0.06
    for _ in range(steps):
        at = point + SUN * along
        share = np.minimum(share, 0.5 + 7 * (at[..., 1] - ground(at[..., 0], at[..., 2], 5)) / along)
        along *= 1.22
    return np.clip(share, 0, 1)


def haze(colour, ray, distance):
    share = (1 - np.exp(-((0.021 * distance) ** 1.35)))[..., None]
    toward = np.clip(ray @ SUN, 0, 1)[..., None]
    return colour * (1 - share) + (np.array([0.42, 0.50, 0.62]) + np.array([0.40, 0.22, 0.05]) * toward**4) * share


def scene(origin, ray):
    """Land or sky along each ray, without water."""
    distance = march(origin, ray)
    point = origin + ray * np.minimum(distance, FAR)[..., None]
    return np.where((distance < FAR)[..., None], land(point, ray, distance), sky(ray)), distance


def with_water(origin, ray):
    """The scene with a rippled lake that mirrors it."""
    colour, distance = scene(origin, ray)
    down = np.where(ray[..., 1] < -1e-4, (WATER - origin[1]) / np.minimum(ray[..., 1], -1e-4), FAR)
    wet = down < distance
    point = origin + ray * np.where(wet, down, 1.0)[..., None]
    x, z = point[..., 0], point[..., 2]
    calm = 1 / (1 + 0.35 * np.where(wet, down, 1.0))

    def ripple(dx, dz):
        return fractal(3.2 * x + dx, 9.5 * z + dz, 4)

    n = np.stack([(ripple(0.35, 0) - ripple(0, 0)) * 0.20 * calm, np.ones_like(x), (ripple(0, 0.35) - ripple(0, 0)) * 0.55 * calm], -1)
    n /= np.linalg.norm(n, axis=-1, keepdims=True)
    mirrored = ray - 2 * np.sum(ray * n, -1, keepdims=True) * n
    mirrored[..., 1] = np.abs(mirrored[..., 1])
    bounce, _ = scene(point + np.array([0, 0.02, 0]), mirrored)
    fresnel = (0.04 + 0.96 * (1 - np.clip(-np.sum(ray * n, -1), 0, 1)) ** 5)[..., None]
    depth = np.clip(WATER - ground(x, z, 5), 0, 1)[..., None]
    bed = np.array([0.34, 0.31, 0.22]) * np.exp(-9 * depth) + np.array([0.03, 0.09, 0.11])
    return np.where(wet[..., None], haze(bounce * fresnel + bed * (1 - fresnel), ray, np.where(wet, down, 0.0)), colour)


def lake(width, height, samples=2):
    """The lake, [height, width, 3] uint8, averaged over samples x samples rays a pixel."""
    x, y = np.meshgrid((np.arange(width * samples) + 0.5) / samples, (np.arange(height * samples) + 0.5) / samples)
    origin = np.array([0.0, 0.0, -1.5])
    origin[1] = max(ground(origin[0:1], origin[2:3])[0], WATER) + 0.55
    scale = 1.15 / max(width, 1.5 * height)
    ray = np.stack([(x - width / 2) * scale, (height * 0.44 - y) * scale, np.full_like(x, 0.86)], -1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    colour = with_water(origin, ray)
    colour = colour.reshape(height, samples, width, samples, 3).mean((1, 3))
    colour = (colour * (2.51 * colour + 0.03)) / (colour * (2.43 * colour + 0.59) + 0.14)
    return np.round(255 * np.clip(colour, 0, 1) ** (1 / 2.2)).astype(np.uint8)


def gradients(width, height):
    """Smooth ramps and a few hard edges."""
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 255 // (width - 1), y * 255 // (height - 1), 255 - (x + y) * 255 // (width + height - 2)], -1)
    rgb[(x // 16 % 4 == 0) & (y // 16 % 4 == 0)] = (245, 240, 225)
    return rgb.astype(np.uint8)


def main():
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "assets" / "images"
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "SAMPLE": lake(384, 256),
        "odd-97x61": lake(97, 61),
        "pixel-1x1": np.array([[[200, 120, 40]]], np.uint8),
        "gradients-160x120": gradients(160, 120),
    }
    for name, pixels in pictures.items():
        path = folder / f"{name}.png"
        Image.fromarray(pixels).save(path, optimize=True)
        print(path, pixels.shape[1], "x", pixels.shape[0], path.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
