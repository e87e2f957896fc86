# SPDX-License-Identifier: GPL-2.0-or-later
"""plot: bars and lines as SVG, with nothing but the standard library."""

from html import escape
from statistics import median

HEAD = ('<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
        'font-family="sans-serif" font-size="12">\n'
        '<rect width="100%%" height="100%%" fill="white"/>\n'
        '<text x="10" y="20" font-size="15">%s</text>\n'
        '<text x="10" y="38" fill="#555">%s</text>\n')
OURS, THEIRS = "#c44e2c", "#7d95b8"
COLOURS = ("#c44e2c", "#2c6fc4", "#3a9a4b", "#8d4bb3")


def text(x, y, words, anchor="start"):
    return '<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>\n' % (
        x, y, anchor, escape(words))


def number(value):
    return "%.0f" % value if value >= 100 else "%.3g" % value


def bars(path, title, unit, rows):
    """rows: (name, values); a bar is the median, its whisker the range."""
    left, width, step = 190, 520, 20
    height = 60 + step * len(rows)
    top = max(max(values) for _, values in rows) or 1
    with open(path, "w", encoding="utf-8") as svg:
        svg.write(HEAD % (left + width + 90, height, escape(title),
                          escape(unit)))
        for n, (name, values) in enumerate(rows):
            y = 52 + n * step
            length = width * median(values) / top
            svg.write(text(left - 8, y + 12, name, "end"))
            svg.write('<rect x="%d" y="%d" width="%.1f" height="14" '
                      'fill="%s"/>\n' % (
                          left, y, length,
                          OURS if name.startswith("tombolo") else THEIRS))
            svg.write('<path d="M%.1f %d H%.1f" stroke="black"/>\n' % (
                left + width * min(values) / top, y + 7,
                left + width * max(values) / top))
            svg.write(text(left + width * max(values) / top + 6, y + 12,
                           number(median(values))))
        svg.write("</svg>\n")


def lines(path, title, unit, x_name, series):
    """series: {name: [(x, y)]}; x on a logarithmic scale, y from zero."""
    from math import log10
    left, right, top, width, height = 70, 20, 60, 560, 300
    xs = [x for points in series.values() for x, _ in points]
    ys = [y for points in series.values() for _, y in points]
    low, high = log10(min(xs)), log10(max(xs))
    span, most = (high - low) or 1, max(ys) * 1.1 or 1

    def at(x, y):
        return (left + width * (log10(x) - low) / span,
                top + height * (1 - y / most))

    with open(path, "w", encoding="utf-8") as svg:
        svg.write(HEAD % (left + width + right, top + height + 70,
                          escape(title), escape(unit)))
        svg.write('<path d="M%d %d V%d H%d" stroke="black" fill="none"/>\n' %
                  (left, top, top + height, left + width))
        for part in range(5):
            value = most * part / 4
            svg.write(text(left - 6, at(min(xs), value)[1] + 4, number(value),
                           "end"))
        for x in sorted(set(xs)):
            svg.write(text(at(x, 0)[0], top + height + 18, number(x),
                           "middle"))
        svg.write(text(left + width / 2, top + height + 36, x_name, "middle"))
        for n, (name, points) in enumerate(series.items()):
            colour = COLOURS[n % len(COLOURS)]
            places = [at(x, y) for x, y in sorted(points)]
            svg.write('<polyline fill="none" stroke="%s" stroke-width="2" '
                      'points="%s"/>\n' % (colour, " ".join(
                          "%.1f,%.1f" % p for p in places)))
            for x, y in places:
                svg.write('<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>\n' %
                          (x, y, colour))
            svg.write('<text x="%d" y="%d" fill="%s">%s</text>\n' % (
                left + 10 + n * 180, top + height + 58, colour, escape(name)))
        svg.write("</svg>\n")
