//! Curves over a logarithmic axis, as SVG.

use maud::{Markup, html};

const WIDTH: f64 = 1060.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 60.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 48.0;
/// Our curve's colour, then those of the others in turn.
const COLOURS: [&str; 9] = ["var(--ours)", "#c78b2b", "#3f8f5a", "#7a5bb5", "#b5495b", "#2f8f9d", "#8c6d46", "#8a8f98", "#d0679d"];
/// Where the horizontal axis may have marks.
const MARKS: [f64; 15] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0];

/// One curve, x ascending.
pub struct Series {
    /// As the legend calls it.
    pub name: String,
    /// The number of its colour, the same in all plots of a page.
    pub colour: usize,
    /// (x, y), x above 0.
    pub points: Vec<(f64, f64)>,
    /// Whether its line is broken and without dots.
    pub broken: bool,
}

/// Curves on common axes.
pub struct Plot<'a> {
    /// Under the axis.
    pub x_title: &'a str,
    /// Beside the axis.
    pub y_title: &'a str,
    /// Where curves are cut off.
    pub max_x: f64,
    /// The first one is drawn thicker and last.
    pub series: Vec<Series>,
}

/// Maps values to the page.
struct Axes {
    x: (f64, f64),
    y: (f64, f64),
    step: f64,
}

impl Axes {
    fn of(plot: &Plot<'_>) -> Axes {
        let points = || plot.series.iter().flat_map(|series| cut(&series.points, plot.max_x));
        let low = |value: fn((f64, f64)) -> f64| points().map(value).fold(f64::INFINITY, f64::min);
        let high = |value: fn((f64, f64)) -> f64| points().map(value).fold(f64::NEG_INFINITY, f64::max);
        let (bottom, top) = (low(|point| point.1), high(|point| point.1));
        let step = step(top - bottom);
        let y = ((bottom / step).floor() * step, ((top / step).ceil() * step).max((bottom / step).floor() * step + step));
        Axes { x: (low(|point| point.0) * 0.94, plot.max_x), y, step }
    }

    fn x(&self, x: f64) -> f64 {
        LEFT + (x / self.x.0).ln() / (self.x.1 / self.x.0).ln() * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, y: f64) -> f64 {
        HEIGHT - BOTTOM - (y - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - TOP - BOTTOM)
    }

    fn y_marks(&self) -> impl Iterator<Item = f64> {
        let count = ((self.y.1 - self.y.0) / self.step).round() as u32;
        (0..=count).map(|mark| self.y.0 + f64::from(mark) * self.step)
    }
}

/// 1, 2, 5, 10, ...: about eight of them in the range.
fn step(range: f64) -> f64 {
    let rough = (range / 8.0).max(1e-6);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(10.0 * power)
}

/// The points up to `max_x`; the last piece ends there, linear in log x.
fn cut(points: &[(f64, f64)], max_x: f64) -> Vec<(f64, f64)> {
    let inside = points.partition_point(|point| point.0 <= max_x);
    let mut kept = points[..inside].to_vec();
    if let (Some((x0, y0)), Some((x1, y1))) = (kept.last().copied(), points.get(inside)) {
        kept.push((max_x, y0 + (y1 - y0) * (max_x / x0).ln() / (x1 / x0).ln()));
    }
    kept
}

impl Plot<'_> {
    /// The plot as an `svg` element with its legend; points say their values when pointed at.
    pub fn draw(&self) -> Markup {
        let axes = Axes::of(self);
        html! {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-label=(format!("{} over {}", self.y_title, self.x_title)) {
                (self.grid(&axes))
                @for (place, series) in self.series.iter().enumerate().rev() { (self.curve(&axes, place, series)) }
            }
            (self.legend())
        }
    }

    fn grid(&self, axes: &Axes) -> Markup {
        let (middle_x, middle_y) = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
        html! {
            @for y in axes.y_marks() {
                line x1=(LEFT) x2=(WIDTH - RIGHT) y1=(axes.y(y)) y2=(axes.y(y)) stroke="var(--faint)" {}
                text x=(LEFT - 8.0) y=(axes.y(y) + 4.0) text-anchor="end" { (format!("{}", (y * 1e6).round() / 1e6)) }
            }
            @for x in MARKS.into_iter().filter(|x| (axes.x.0..=axes.x.1).contains(x)) {
                line x1=(axes.x(x)) x2=(axes.x(x)) y1=(TOP) y2=(HEIGHT - BOTTOM) stroke="var(--faint)" {}
                text x=(axes.x(x)) y=(HEIGHT - BOTTOM + 18.0) text-anchor="middle" { (x) }
            }
            text x=(middle_x) y=(HEIGHT - 10.0) text-anchor="middle" { (self.x_title) }
            text x=(14) y=(middle_y) text-anchor="middle" transform=(format!("rotate(-90 14 {middle_y})")) { (self.y_title) }
        }
    }

    fn curve(&self, axes: &Axes, place: usize, series: &Series) -> Markup {
        let colour = COLOURS[series.colour % COLOURS.len()];
        let width = if place == 0 { 3 } else { 2 };
        let corners: Vec<String> =
            cut(&series.points, self.max_x).iter().map(|(x, y)| format!("{:.1},{:.1}", axes.x(*x), axes.y(*y))).collect();
        html! {
            polyline points=(corners.join(" ")) fill="none" stroke=(colour) stroke-width=(width) stroke-linejoin="round" stroke-dasharray=[series.broken.then_some("7 5")] {}
            @if !series.broken {
                @for (x, y) in series.points.iter().filter(|point| point.0 <= self.max_x) {
                    circle cx=(format!("{:.1}", axes.x(*x))) cy=(format!("{:.1}", axes.y(*y))) r=(width + 1) fill=(colour) {
                        title { (format!("{}: {x:.4}, {y:.3}", series.name)) }
                    }
                }
            }
        }
    }

    /// Under the plot, where no curve runs.
    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for series in &self.series {
                    li {
                        span style=(format!("border-top: 3px {} {}", if series.broken { "dashed" } else { "solid" }, COLOURS[series.colour % COLOURS.len()])) {}
                        (series.name)
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!([0.7, 8.0, 15.0, 37.0, 100.0].map(step), [0.1, 1.0, 2.0, 5.0, 20.0]);
    }

    #[test]
    fn curves_end_at_the_edge() {
        let curve = cut(&[(0.5, 10.0), (1.0, 20.0), (4.0, 40.0)], 2.0);
        assert_eq!(curve.len(), 3);
        assert!((curve[2].1 - 30.0).abs() < 1e-9, "2 lies half way between 1 and 4 by its logarithm");
        assert!(cut(&[(3.0, 1.0)], 2.0).is_empty());
    }
}
