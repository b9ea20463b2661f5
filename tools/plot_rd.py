#!/usr/bin/env python3
"""Draws a rate-distortion plot as SVG from a results file of `calotype eval --json`, standard library only.

    python3 tools/plot_rd.py RESULTS.json docs/rd.svg [--metric psnr_rgb] [--max-bpp 2.0] [--label NAME=SHORT ...]

The results hold their own means and the curves given with --against, so nothing else is read.
"""

import argparse
import json
import math
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 58, 16, 34, 48
COLOURS = ["#8a8f98", "#c78b2b", "#3f8f5a", "#7a5bb5", "#b5495b", "#2f8f9d", "#8c6d46"]
OURS = "#1f5fbf"


# By the name that curves have for it: what the axis says, what our own means call it, and how far apart its lines are.
METRICS = {"psnr_rgb": ("PSNR of RGB, dB", "psnr_db", 2), "ssimulacra2": ("SSIMULACRA2", "ssimulacra2", 10)}


class Axes:
    """Maps bits per pixel (logarithmic) and the metric to the page."""

    def __init__(self, curves, max_bpp, metric):
        points = [(b, d) for _, curve in curves for b, d in curve if b <= max_bpp]
        self.title, _, self.step = METRICS[metric]
        self.low, self.high = math.floor(min(d for _, d in points)), math.ceil(max(d for _, d in points))
        self.min_bpp, self.max_bpp = min(b for b, _ in points) * 0.94, max_bpp

    def x(self, bpp):
        share = math.log(bpp / self.min_bpp) / math.log(self.max_bpp / self.min_bpp)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        return HEIGHT - BOTTOM - (value - self.low) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)


def text(x, y, words, anchor="middle", extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{escape(words)}</text>'


def line(x1, y1, x2, y2):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#8884" stroke-width="1"/>'


def grid(axes):
    for value in range(axes.low + -axes.low % axes.step, axes.high + 1, axes.step):
        yield line(LEFT, axes.y(value), WIDTH - RIGHT, axes.y(value))
        yield text(LEFT - 8, axes.y(value) + 4, str(value), "end")
    for bpp in (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 4):
        if axes.min_bpp <= bpp <= axes.max_bpp:
            yield line(axes.x(bpp), TOP, axes.x(bpp), HEIGHT - BOTTOM)
            yield text(axes.x(bpp), HEIGHT - BOTTOM + 18, f"{bpp:g}")
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, "bits per pixel (logarithmic)")
    yield text(14, (TOP + HEIGHT - BOTTOM) / 2, axes.title, extra=f'transform="rotate(-90 14 {(TOP + HEIGHT - BOTTOM) / 2:.0f})"')


def clipped(curve, max_bpp):
    """The points up to max_bpp; the last segment ends there, linear in log bpp."""
    inside = [point for point in curve if point[0] <= max_bpp]
    beyond = [point for point in curve if point[0] > max_bpp]
    if inside and beyond:
        (b0, d0), (b1, d1) = inside[-1], beyond[0]
        inside.append((max_bpp, d0 + (d1 - d0) * math.log(max_bpp / b0) / math.log(b1 / b0)))
    return inside


def drawn(axes, curve, colour, width, dots):
    points = " ".join(f"{axes.x(b):.1f},{axes.y(d):.1f}" for b, d in clipped(curve, axes.max_bpp))
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"/>'
    if dots:
        for b, d in curve:
            if b <= axes.max_bpp:
                yield f'<circle cx="{axes.x(b):.1f}" cy="{axes.y(d):.1f}" r="3.2" fill="{colour}"/>'


def legend(names, colours):
    height = 20 * len(names) + 10
    top = HEIGHT - BOTTOM - height - 10
    left = WIDTH - RIGHT - 12 - 8 * max(len(name) for name in names) - 42
    for place, (name, colour) in enumerate(zip(names, colours)):
        y = top + 20 * (place + 1)
        yield f'<line x1="{left}" y1="{y - 4}" x2="{left + 26}" y2="{y - 4}" stroke="{colour}" stroke-width="3"/>'
        yield text(left + 34, y, name, "start")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("svg", type=Path)
    parser.add_argument("--metric", choices=METRICS, default="psnr_rgb", help="curves without it are left out")
    parser.add_argument("--max-bpp", type=float, default=2.0)
    parser.add_argument("--label", action="append", default=[], metavar="NAME=SHORT", help="what the legend calls a curve")
    args = parser.parse_args()
    results = json.loads(args.results.read_text())
    labels = dict(label.rsplit("=", 1) for label in args.label)
    ours = [(mean["bpp"], mean[METRICS[args.metric][1]]) for mean in results["means"]]
    measured = {name: curve for name, curve in results["curves"].items() if curve.get(args.metric)}
    others = [(labels.get(name, name), sorted(zip(curve["bpp"], curve[args.metric]))) for name, curve in measured.items()]
    curves = [("calotype", ours), *others]
    axes = Axes(curves, args.max_bpp, args.metric)
    colours = [OURS, *(COLOURS[place % len(COLOURS)] for place in range(len(others)))]
    parts = list(grid(axes))
    for (name, curve), colour in reversed(list(zip(curves, colours))):
        parts += drawn(axes, curve, colour, 3 if name == "calotype" else 2, name == "calotype")
    parts += legend([name for name, _ in curves], colours)
    parts.append(text(LEFT, 20, f"{len(results['images'])} images, means; model {results['model_id']}", "start", 'font-weight="bold"'))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13" fill="#444">'
    background = f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>'
    args.svg.write_text("\n".join([head, background, *parts, "</svg>\n"]))


if __name__ == "__main__":
    main()
