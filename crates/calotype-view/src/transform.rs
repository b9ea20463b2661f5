//! Where the picture lies in the view: zoom and place, in physical pixels, so that 1:1 is exact.

/// The zooms that keys step through, screen pixels per pixel of the picture.
const STEPS: [f64; 21] = [
    1.0 / 32.0,
    1.0 / 16.0,
    1.0 / 8.0,
    1.0 / 6.0,
    1.0 / 4.0,
    1.0 / 3.0,
    1.0 / 2.0,
    2.0 / 3.0,
    1.0,
    2.0,
    3.0,
    4.0,
    6.0,
    8.0,
    12.0,
    16.0,
    24.0,
    32.0,
    48.0,
    64.0,
    96.0,
];

/// How the picture is placed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Zoom {
    /// All of it in the view, never enlarged.
    Fit,
    /// So many screen pixels per pixel of the picture, with this point of the picture in the middle of the view, or its own middle.
    At(f64, Option<[f64; 2]>),
}

/// A view of (width, height) physical pixels on a picture of (width, height) pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    view: [f64; 2],
    picture: [f64; 2],
    scale: f64,
    centre: [f64; 2],
}

impl Transform {
    /// Both sizes in pixels.
    pub fn new(zoom: Zoom, view: [f64; 2], picture: [f64; 2]) -> Transform {
        let fit = (view[0] / picture[0]).min(view[1] / picture[1]).clamp(f64::MIN_POSITIVE, 1.0);
        let middle = picture.map(|side| side / 2.0);
        let (scale, centre) = match zoom {
            Zoom::Fit => (fit, middle),
            Zoom::At(scale, centre) => (scale, centre.unwrap_or(middle)),
        };
        Transform { view, picture, scale, centre }.kept_in_sight()
    }

    /// Screen pixels per pixel of the picture.
    pub fn scale(&self) -> f64 {
        self.scale
    }

    /// What [`Transform::new`] takes to come back here.
    pub fn zoom(&self) -> Zoom {
        Zoom::At(self.scale, Some(self.centre))
    }

    /// The middle of the view shows the picture.
    fn kept_in_sight(mut self) -> Transform {
        for axis in 0..2 {
            self.centre[axis] = self.centre[axis].clamp(0.0, self.picture[axis]);
        }
        self
    }

    /// A side that fits into the view is in its middle; else no part of the view beyond the picture's edge is shown.
    fn kept_in_view(mut self) -> Transform {
        for axis in 0..2 {
            let half = self.view[axis] / 2.0 / self.scale;
            let most = self.picture[axis] - half;
            self.centre[axis] = if half > most { self.picture[axis] / 2.0 } else { self.centre[axis].clamp(half, most) };
        }
        self
    }

    /// Where the picture's top left corner lies in the view. A whole number: at whole zooms pixels of the picture are whole on the screen.
    pub fn origin(&self) -> [f64; 2] {
        [0, 1].map(|axis| (self.view[axis] / 2.0 - self.centre[axis] * self.scale).round())
    }

    /// From a point of the view to the point of the picture.
    pub fn to_picture(self, point: [f64; 2]) -> [f64; 2] {
        let origin = self.origin();
        [0, 1].map(|axis| (point[axis] - origin[axis]) / self.scale)
    }

    /// From a point of the picture to the point of the view.
    pub fn to_view(self, point: [f64; 2]) -> [f64; 2] {
        let origin = self.origin();
        [0, 1].map(|axis| origin[axis] + point[axis] * self.scale)
    }

    /// The pixels of the picture that the view shows, whole ones: left, top, right, bottom.
    pub fn visible(&self) -> [u32; 4] {
        let (first, last) = (self.to_picture([0.0, 0.0]), self.to_picture(self.view));
        let bound = |value: f64, axis: usize| value.clamp(0.0, self.picture[axis]) as u32;
        [bound(first[0].floor(), 0), bound(first[1].floor(), 1), bound(last[0].ceil(), 0), bound(last[1].ceil(), 1)]
    }

    /// Whether no part of the picture is out of view.
    pub fn shows_all(&self) -> bool {
        self.visible().map(f64::from) == [0.0, 0.0, self.picture[0], self.picture[1]]
    }

    /// Zoomed to `scale`. What lies at `point` of the view stays there, but for a picture that shrinks: that comes back to the middle.
    pub fn zoomed(self, scale: f64, point: [f64; 2]) -> Transform {
        let scale = scale.clamp(STEPS[0].min(self.scale), STEPS[STEPS.len() - 1]);
        // Without the rounding of the origin, which would add up over many small steps.
        let apart = |axis: usize| point[axis] - self.view[axis] / 2.0;
        let centre = [0, 1].map(|axis| self.centre[axis] + apart(axis) / self.scale - apart(axis) / scale);
        let zoomed = Transform { scale, centre, ..self };
        if scale < self.scale { zoomed.kept_in_view() } else { zoomed.kept_in_sight() }
    }

    /// Moved by so many screen pixels.
    pub fn panned(self, by: [f64; 2]) -> Transform {
        let centre = [0, 1].map(|axis| self.centre[axis] - by[axis] / self.scale);
        let panned = Transform { centre, ..self };
        if (0..2).any(|axis| self.picture[axis] * self.scale > self.view[axis]) { panned.kept_in_view() } else { panned.kept_in_sight() }
    }

    /// The next larger zoom that keys step to, or the next smaller one.
    pub fn next_scale(&self, larger: bool) -> f64 {
        let next = |step: &&f64| if larger { **step > self.scale * 1.001 } else { **step < self.scale * 0.999 };
        let found = if larger { STEPS.iter().find(next) } else { STEPS.iter().rev().find(next) };
        found.copied().unwrap_or(self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: [f64; 2] = [800.0, 600.0];

    #[test]
    fn fitting_shows_all_and_enlarges_nothing() {
        let large = Transform::new(Zoom::Fit, VIEW, [1600.0, 900.0]);
        assert_eq!((large.scale(), large.origin(), large.visible()), (0.5, [0.0, 75.0], [0, 0, 1600, 900]));
        let small = Transform::new(Zoom::Fit, VIEW, [101.0, 50.0]);
        assert_eq!((small.scale(), small.origin()), (1.0, [350.0, 275.0]));
    }

    #[test]
    fn zooming_holds_the_point_under_the_cursor() {
        let begin = Transform::new(Zoom::At(1.0, Some([1000.0, 1000.0])), VIEW, [4000.0, 3000.0]);
        for point in [[0.0, 0.0], [133.0, 577.0], [799.0, 599.0]] {
            let held = begin.to_picture(point);
            for scale in [2.0, 7.5, 0.6] {
                let after = begin.zoomed(scale, point).to_view(held);
                assert!((after[0] - point[0]).abs() < 1.0 && (after[1] - point[1]).abs() < 1.0, "{scale} {point:?} {after:?}");
            }
        }
        // A small picture, in many small steps.
        let mut small = Transform::new(Zoom::Fit, VIEW, [384.0, 256.0]);
        let (point, held) = ([300.0, 250.0], small.to_picture([300.0, 250.0]));
        for _ in 0..300 {
            small = small.zoomed(small.scale() * 1.01, point);
        }
        let after = small.to_view(held);
        assert!((after[0] - point[0]).abs() <= 0.5 * small.scale() && (after[1] - point[1]).abs() <= 0.5 * small.scale(), "{after:?}");
    }

    #[test]
    fn the_picture_is_not_lost() {
        let view = Transform::new(Zoom::At(1.0, Some([400.0, 300.0])), VIEW, [4000.0, 3000.0]);
        assert_eq!(view.visible(), [0, 0, 800, 600]);
        assert_eq!(view.zoomed(0.01, [0.0, 0.0]).origin(), [338.0, 253.0], "it comes back to the middle");
        assert_eq!(Transform::new(Zoom::At(2.0, Some([-9.0, 9e9])), VIEW, [40.0, 30.0]).origin(), [400.0, 240.0]);
        assert_eq!(view.panned([-1e9, -1e9]).visible(), [3200, 2400, 4000, 3000]);
        assert_eq!(view.panned([-10.0, -20.0]).visible(), [10, 20, 810, 620]);
    }

    #[test]
    fn keys_step_through_zooms_and_end() {
        let mut view = Transform::new(Zoom::At(0.7, Some([0.0, 0.0])), VIEW, [4000.0, 3000.0]);
        assert_eq!((view.next_scale(true), view.next_scale(false)), (1.0, 2.0 / 3.0));
        for _ in 0..40 {
            view = view.zoomed(view.next_scale(true), [0.0, 0.0]);
        }
        assert_eq!(view.scale(), 96.0);
    }
}
