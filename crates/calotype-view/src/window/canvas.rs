//! The part of the window that shows pictures.

use std::sync::Arc;

use egui::{Align2, Color32, FontId, Painter, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, pos2, vec2};

use super::textures::{Place, Textures};
use crate::command::Command;
use crate::picture::Picture;
use crate::side::{Compare, Overlay};
use crate::transform::{Transform, Zoom};
use crate::viewer::{Shown, Viewer};
use crate::words;

/// From this zoom on, pixels have a grid.
const GRID_FROM: f64 = 12.0;
/// From this zoom on, pixels have their values written on them.
const VALUES_FROM: f64 = 48.0;
/// How near to the border between sides a drag moves it, in points.
const GRIP: f32 = 14.0;
/// What an overlay leaves of the picture below.
const OPACITY: f32 = 0.72;
const CHIP: Color32 = Color32::from_rgba_premultiplied(12, 12, 14, 200);

/// Shows the pictures in what is left of `ui`, and takes the mouse there.
pub fn show(ui: &mut Ui, viewer: &mut Viewer, textures: &mut Textures) {
    let view = ui.available_rect_before_wrap();
    let response = ui.allocate_rect(view, Sense::click_and_drag());
    let scale = f64::from(ui.ctx().pixels_per_point());
    viewer.view = [f64::from(view.width()) * scale, f64::from(view.height()) * scale];
    take_mouse(ui, viewer, &response, scale);
    let painter = ui.painter_at(view);
    match viewer.transform() {
        Some(transform) => Canvas { ui, painter, place: Place { view, transform, pixels_per_point: scale } }.pictures(viewer, textures),
        None => super::cards::without_picture(ui, viewer, view),
    }
}

fn take_mouse(ui: &Ui, viewer: &mut Viewer, response: &Response, scale: f64) {
    let in_view = |point: Pos2| [f64::from(point.x - response.rect.left()) * scale, f64::from(point.y - response.rect.top()) * scale];
    if let Some(point) = response.hover_pos() {
        let (wheel, pinch) = ui.input(|input| (input.smooth_scroll_delta.y, input.zoom_delta()));
        let factor = f64::from(wheel / 200.0).exp() * f64::from(pinch);
        if (factor - 1.0).abs() > 1e-6 {
            viewer.zoom_by(factor, in_view(point));
        }
    }
    let grip = ui.scope_id().with("grip");
    if response.drag_started() {
        let border = response.rect.left() + response.rect.width() * viewer.split as f32;
        let near = ui.input(|input| input.pointer.press_origin()).is_some_and(|point| (point.x - border).abs() < GRIP);
        ui.data_mut(|data| data.insert_temp(grip, near && viewer.compare == Compare::Split));
    }
    if response.dragged() {
        let delta = response.drag_delta();
        if ui.data(|data| data.get_temp(grip)).unwrap_or(false) {
            let point = response.interact_pointer_pos().unwrap_or(response.rect.center());
            viewer.split = f64::from((point.x - response.rect.left()) / response.rect.width()).clamp(0.0, 1.0);
        } else {
            viewer.pan([f64::from(delta.x) * scale, f64::from(delta.y) * scale]);
        }
    }
    if response.double_clicked() {
        viewer.apply(if viewer.zoom == Zoom::Fit { Command::OneToOne } else { Command::Fit });
    }
}

/// Draws pictures at their place.
struct Canvas<'a> {
    ui: &'a Ui,
    painter: Painter,
    place: Place,
}

impl Canvas<'_> {
    fn pictures(&self, viewer: &mut Viewer, textures: &mut Textures) {
        let split = self.place.view.left() + (self.place.view.width() * viewer.split as f32).round();
        match viewer.compare {
            Compare::Off => self.side(viewer, 0, self.place.view, textures),
            Compare::Flicker => self.side(viewer, usize::from(viewer.second), self.place.view, textures),
            Compare::Difference => self.difference(viewer, textures),
            Compare::Split => {
                self.side(viewer, 0, self.place.view.with_max_x(split), textures);
                self.side(viewer, 1, self.place.view.with_min_x(split), textures);
            }
        }
        self.overlay(viewer, textures);
        self.pixels(viewer);
        if viewer.compare == Compare::Split {
            self.border(split);
        }
        self.labels(viewer, split);
        self.legend(viewer);
    }

    fn side(&self, viewer: &Viewer, slot: usize, clip: Rect, textures: &mut Textures) {
        if let Some(shown) = viewer.shown(slot) {
            self.picture(shown.picture, clip, textures);
        } else if let Some(error) = viewer.refusal(slot) {
            let fits = clip.width() > 240.0;
            self.painter.with_clip_rect(clip).text(
                clip.center(),
                Align2::CENTER_CENTER,
                if fits { wrapped(&error.to_string()) } else { String::new() },
                FontId::proportional(14.0),
                Color32::from_gray(200),
            );
        } else {
            self.painter.text(clip.center(), Align2::CENTER_CENTER, "working ...", FontId::proportional(15.0), Color32::from_gray(170));
        }
    }

    fn picture(&self, picture: &Picture, clip: Rect, textures: &mut Textures) {
        let shapes = textures.picture(self.ui.ctx(), picture, &self.place);
        self.painter.with_clip_rect(clip).extend(shapes);
    }

    fn difference(&self, viewer: &Viewer, textures: &mut Textures) {
        match viewer.difference() {
            Some(Ok(picture)) => self.picture(picture, self.place.view, textures),
            Some(Err(error)) => self.centred(&error.to_string()),
            None => match [0, 1].into_iter().find_map(|slot| viewer.refusal(slot)) {
                Some(error) => self.centred(&error.to_string()),
                None => self.centred("working ..."),
            },
        }
    }

    fn centred(&self, words: &str) {
        self.painter.text(
            self.place.view.center(),
            Align2::CENTER_CENTER,
            wrapped(words),
            FontId::proportional(15.0),
            Color32::from_gray(200),
        );
    }

    fn overlay(&self, viewer: &mut Viewer, textures: &mut Textures) {
        let Some(heat) = viewer.heat() else { return };
        let Some([width, height]) = viewer.shown(0).or_else(|| viewer.shown(1)).map(|shown| [shown.picture.width, shown.picture.height])
        else {
            return;
        };
        if (heat.columns, heat.rows) != (width.div_ceil(16) as usize, height.div_ceil(16) as usize) {
            return;
        }
        let opacity = if matches!(viewer.overlay, Overlay::Channel(_)) { 1.0 } else { OPACITY };
        let picture = self.place.rect([0.0, 0.0, f64::from(width), f64::from(height)]);
        let shape = textures.heat(self.ui.ctx(), &heat, &self.place, opacity);
        self.painter.with_clip_rect(picture.intersect(self.place.view)).add(shape);
    }

    /// Grid and values of the pixels in view.
    fn pixels(&self, viewer: &Viewer) {
        let scale = self.place.transform.scale();
        if scale < GRID_FROM || viewer.overlay != Overlay::None {
            return;
        }
        let [left, top, right, bottom] = self.place.transform.visible();
        let stroke = Stroke::new(1.0, Color32::from_rgba_unmultiplied(128, 128, 128, 90));
        let area = self.place.rect([left, top, right, bottom].map(f64::from));
        for x in left..=right {
            self.painter.vline(self.place.point(f64::from(x), 0.0).x, area.y_range(), stroke);
        }
        for y in top..=bottom {
            self.painter.hline(area.x_range(), self.place.point(0.0, f64::from(y)).y, stroke);
        }
        if scale >= VALUES_FROM {
            let border = viewer.split as f32 * self.place.view.width() + self.place.view.left();
            for (x, y) in (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y))) {
                let middle = self.place.point(f64::from(x) + 0.5, f64::from(y) + 0.5);
                let picture = picture_there(viewer, middle.x > border);
                self.value(picture.and_then(|picture| picture.pixel(x, y)), middle);
            }
        }
    }

    fn value(&self, pixel: Option<[u8; 3]>, middle: Pos2) {
        let Some([r, g, b]) = pixel else { return };
        let light = u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b) > 1280;
        let colour = if light { Color32::BLACK } else { Color32::WHITE };
        self.painter.text(middle, Align2::CENTER_CENTER, format!("{r}\n{g}\n{b}"), FontId::monospace(10.0), colour);
    }

    fn border(&self, split: f32) {
        let view = self.place.view;
        self.painter.vline(split, view.y_range(), Stroke::new(3.0, Color32::from_black_alpha(140)));
        self.painter.vline(split, view.y_range(), Stroke::new(1.0, Color32::WHITE));
        let middle = pos2(split, view.center().y);
        self.painter.circle(middle, 13.0, CHIP, Stroke::new(1.5, Color32::WHITE));
        for side in [-1.0, 1.0] {
            let tip = middle + vec2(8.0 * side, 0.0);
            let points = vec![tip, tip + vec2(-5.0 * side, -4.5), tip + vec2(-5.0 * side, 4.5)];
            self.painter.add(Shape::convex_polygon(points, Color32::WHITE, Stroke::NONE));
        }
    }

    /// Names what is shown.
    fn labels(&self, viewer: &Viewer, split: f32) {
        let view = self.place.view;
        let shown = |slot: usize| viewer.shown(slot).map(|shown| label(&shown));
        match viewer.compare {
            Compare::Off => {}
            Compare::Flicker => self.label(shown(usize::from(viewer.second)), view.left_top(), Align2::LEFT_TOP, view),
            Compare::Difference => self.label(Some(format!("difference x {}", viewer.gain)), view.left_top(), Align2::LEFT_TOP, view),
            Compare::Split => {
                self.label(shown(0), view.left_top(), Align2::LEFT_TOP, view.with_max_x(split));
                self.label(shown(1), view.right_top(), Align2::RIGHT_TOP, view.with_min_x(split));
            }
        }
    }

    fn label(&self, words: Option<String>, corner: Pos2, align: Align2, clip: Rect) {
        let Some(words) = words else { return };
        let painter = self.painter.with_clip_rect(clip);
        let galley = painter.layout_no_wrap(words, FontId::proportional(13.0), Color32::from_gray(235));
        let inset = vec2(if align == Align2::LEFT_TOP { 10.0 } else { -10.0 }, 10.0);
        let rect = align.anchor_size(corner + inset, galley.size() + vec2(14.0, 8.0));
        painter.rect_filled(rect, 5.0, CHIP);
        painter.galley(rect.min + vec2(7.0, 4.0), galley, Color32::WHITE);
    }

    /// The scale of the overlay.
    fn legend(&self, viewer: &mut Viewer) {
        if viewer.overlay == Overlay::None {
            return;
        }
        let corner = self.place.view.left_bottom() + vec2(12.0, -12.0);
        let Some(heat) = viewer.heat() else {
            let words = match viewer.inside() {
                Some(Err(error)) => error.to_string(),
                _ => "looking inside ...".to_owned(),
            };
            self.painter.text(corner, Align2::LEFT_BOTTOM, words, FontId::proportional(13.0), Color32::WHITE);
            return;
        };
        let size = vec2(220.0, 52.0);
        let card = Rect::from_min_size(corner - vec2(0.0, size.y), size);
        self.painter.rect_filled(card, 5.0, CHIP);
        let text =
            |at: Pos2, align, words: String| self.painter.text(at, align, words, FontId::proportional(12.0), Color32::from_gray(235));
        text(card.center_top() + vec2(0.0, 5.0), Align2::CENTER_TOP, heat.unit.clone());
        let bar = Rect::from_min_max(card.min + vec2(10.0, 22.0), card.max - vec2(10.0, 18.0));
        self.painter.extend(gradient(bar, &crate::overlay::legend(viewer.overlay, 64)));
        text(pos2(bar.left(), card.bottom() - 3.0), Align2::LEFT_BOTTOM, number(heat.range[0]));
        text(pos2(bar.right(), card.bottom() - 3.0), Align2::RIGHT_BOTTOM, number(heat.range[1]));
    }
}

fn number(value: f32) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

fn label(shown: &Shown<'_>) -> String {
    format!("{}   {}", shown.label, words::size_and_rate(shown.bytes, shown.picture.width, shown.picture.height))
}

fn gradient(bar: Rect, colours: &[[u8; 3]]) -> Vec<Shape> {
    let width = bar.width() / colours.len() as f32;
    let stripe = |(i, &[r, g, b]): (usize, &[u8; 3])| {
        let left = bar.left() + i as f32 * width;
        let rect = Rect::from_min_max(pos2(left, bar.top()), pos2(left + width, bar.bottom()));
        let mut mesh = egui::Mesh::default();
        mesh.add_colored_rect(rect, Color32::from_rgb(r, g, b));
        Shape::mesh(Arc::new(mesh))
    };
    colours.iter().enumerate().map(stripe).collect()
}

/// The picture that lies left of the border between the sides, or right of it.
fn picture_there(viewer: &Viewer, right: bool) -> Option<&Arc<Picture>> {
    let difference = || viewer.difference().and_then(|picture| picture.as_ref().ok());
    let side = |slot| viewer.shown(slot).map(|shown| shown.picture);
    match viewer.compare {
        Compare::Off => side(0),
        Compare::Split => side(usize::from(right)),
        Compare::Flicker => side(usize::from(viewer.second)),
        Compare::Difference => difference().or_else(|| side(0)),
    }
}

/// Long lines in pieces of some words.
fn wrapped(words: &str) -> String {
    let mut lines = vec![String::new()];
    for word in words.split(' ') {
        if lines.last().is_some_and(|line| line.len() + word.len() > 60) {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
            line.push(' ');
        }
    }
    lines.join("\n")
}

/// A pixel of the pictures.
pub struct Pixel {
    /// Its column and row.
    pub place: [u32; 2],
    /// What both sides have there, as far as it is known.
    pub values: [Option<[u8; 3]>; 2],
}

/// The pixel of the pictures below a point of the view.
pub fn pixel_at(viewer: &Viewer, transform: &Transform, at: [f64; 2]) -> Option<Pixel> {
    let [x, y] = transform.to_picture(at);
    if x < 0.0 || y < 0.0 {
        return None;
    }
    let [x, y] = [x as u32, y as u32];
    let value = |slot: usize| viewer.shown(slot).and_then(|shown| shown.picture.pixel(x, y));
    let shown = viewer.shown(0)?;
    (x < shown.picture.width && y < shown.picture.height).then(|| Pixel { place: [x, y], values: [value(0), value(1)] })
}
