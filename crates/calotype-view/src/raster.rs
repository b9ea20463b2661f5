//! Draws what egui paints, without a window and without a graphics card: the dull twin of the graphics card's renderer.

use std::collections::HashMap;

use egui::epaint::{ClippedPrimitive, ImageDelta, Primitive, Vertex};
use egui::{Color32, Mesh, Rect, TextureFilter, TextureId, TextureOptions, TexturesDelta};

/// A texture as egui keeps it.
struct Texture {
    size: [usize; 2],
    pixels: Vec<Color32>,
    options: TextureOptions,
}

/// A picture of the window, and the textures to draw it with.
pub struct Raster {
    width: usize,
    height: usize,
    /// Premultiplied RGB in the sRGB curve, where egui blends too.
    pixels: Vec<[f32; 3]>,
    textures: HashMap<TextureId, Texture>,
}

impl Raster {
    /// A picture of one colour.
    pub fn new(width: usize, height: usize, background: Color32) -> Raster {
        let [red, green, blue, _] = background.to_normalized_gamma_f32();
        Raster { width, height, pixels: vec![[red, green, blue]; width * height], textures: HashMap::new() }
    }

    /// Takes new textures and lets go of old ones.
    pub fn update(&mut self, delta: &TexturesDelta) {
        for (id, deltas) in &delta.set {
            deltas.iter().for_each(|delta| self.set(*id, delta));
        }
        for id in &delta.free {
            self.textures.remove(id);
        }
    }

    fn set(&mut self, id: TextureId, delta: &ImageDelta) {
        let egui::ImageData::Color(image) = &delta.image;
        let Some([left, top]) = delta.pos else {
            self.textures.insert(id, Texture { size: image.size, pixels: image.pixels.clone(), options: delta.options });
            return;
        };
        let Some(texture) = self.textures.get_mut(&id) else { return };
        for (y, row) in image.pixels.chunks(image.size[0]).enumerate() {
            let place = (top + y) * texture.size[0] + left;
            texture.pixels[place..place + row.len()].copy_from_slice(row);
        }
    }

    /// Draws primitives whose points are pixels.
    pub fn draw(&mut self, primitives: &[ClippedPrimitive]) {
        for ClippedPrimitive { clip_rect, primitive } in primitives {
            if let Primitive::Mesh(mesh) = primitive {
                self.mesh(mesh, *clip_rect);
            }
        }
    }

    /// The picture as 8-bit RGB.
    pub fn rgb(&self) -> Vec<u8> {
        self.pixels.iter().flat_map(|pixel| pixel.map(|sample| (sample * 255.0).round() as u8)).collect()
    }

    fn mesh(&mut self, mesh: &Mesh, clip: Rect) {
        let Some(texture) = self.textures.remove(&mesh.texture_id) else { return };
        for corners in mesh.indices.as_chunks::<3>().0 {
            self.triangle(corners.map(|index| mesh.vertices[index as usize]), &texture, clip);
        }
        self.textures.insert(mesh.texture_id, texture);
    }

    /// Fills the pixels whose centres lie in a triangle; one on an edge belongs to the triangle below or to the right of the edge.
    fn triangle(&mut self, [a, b, c]: [Vertex; 3], texture: &Texture, clip: Rect) {
        let area = edge(a, b, f64::from(c.pos.x), f64::from(c.pos.y));
        let [a, b, c] = if area < 0.0 { [a, c, b] } else { [a, b, c] };
        if area == 0.0 || !area.is_finite() {
            return;
        }
        let (rows, columns) = (
            self.span([a, b, c].map(|v| v.pos.y), clip.y_range(), self.height),
            self.span([a, b, c].map(|v| v.pos.x), clip.x_range(), self.width),
        );
        for y in rows {
            for x in columns.clone() {
                let (px, py) = (x as f64 + 0.5, y as f64 + 0.5);
                let sides = [(b, c), (c, a), (a, b)];
                let weights = sides.map(|(from, to)| edge(from, to, px, py));
                let inside = |(weight, (from, to)): (f64, (Vertex, Vertex))| weight > 0.0 || (weight == 0.0 && is_top_or_left(from, to));
                if weights.into_iter().zip(sides).all(inside) {
                    let weights = weights.map(|weight| weight / area.abs());
                    let pixel = &mut self.pixels[y * self.width + x];
                    *pixel = blended(*pixel, &[a, b, c], weights, texture);
                }
            }
        }
    }

    /// Whole pixels between corners, inside the clip.
    fn span(&self, corners: [f32; 3], clip: egui::Rangef, size: usize) -> std::ops::Range<usize> {
        let first = corners.into_iter().fold(f32::INFINITY, f32::min).floor().max(clip.min.round()).max(0.0);
        let last = corners.into_iter().fold(f32::NEG_INFINITY, f32::max).ceil().min(clip.max.round()).max(0.0);
        (first as usize).min(size)..(last as usize).min(size)
    }
}

/// Twice the area of the triangle of an edge and a point; positive on its right, where y grows downwards.
fn edge(from: Vertex, to: Vertex, x: f64, y: f64) -> f64 {
    let [fx, fy, tx, ty] = [from.pos.x, from.pos.y, to.pos.x, to.pos.y].map(f64::from);
    (tx - fx) * (y - fy) - (ty - fy) * (x - fx)
}

fn is_top_or_left(from: Vertex, to: Vertex) -> bool {
    let (dx, dy) = (to.pos.x - from.pos.x, to.pos.y - from.pos.y);
    dy < 0.0 || (dy == 0.0 && dx > 0.0)
}

fn blended(below: [f32; 3], corners: &[Vertex; 3], weights: [f64; 3], texture: &Texture) -> [f32; 3] {
    let mix = |value: &dyn Fn(&Vertex) -> f64| corners.iter().zip(weights).map(|(corner, weight)| value(corner) * weight).sum::<f64>();
    let texel = sample(texture, mix(&|corner| corner.uv.x.into()), mix(&|corner| corner.uv.y.into()));
    let colour: [f32; 4] =
        std::array::from_fn(|channel| texel[channel] * (mix(&|corner| corner.color.to_array()[channel].into()) / 255.0) as f32);
    std::array::from_fn(|channel| (colour[channel] + below[channel] * (1.0 - colour[3])).clamp(0.0, 1.0))
}

fn sample(texture: &Texture, u: f64, v: f64) -> [f32; 4] {
    let (x, y) = (u * texture.size[0] as f64, v * texture.size[1] as f64);
    let texel = |x: f64, y: f64| {
        let at = |place: f64, size: usize| (place.max(0.0) as usize).min(size - 1);
        let pixel = texture.pixels[at(y, texture.size[1]) * texture.size[0] + at(x, texture.size[0])];
        pixel.to_array().map(|sample| f32::from(sample) / 255.0)
    };
    if texture.options.magnification == TextureFilter::Nearest {
        return texel(x.floor(), y.floor());
    }
    let (left, top) = ((x - 0.5).floor(), (y - 0.5).floor());
    let (right, below) = ((x - 0.5 - left) as f32, (y - 0.5 - top) as f32);
    let corners = [
        (0.0, 0.0, (1.0 - right) * (1.0 - below)),
        (1.0, 0.0, right * (1.0 - below)),
        (0.0, 1.0, (1.0 - right) * below),
        (1.0, 1.0, right * below),
    ];
    corners.into_iter().fold([0.0; 4], |sum, (dx, dy, weight)| {
        let texel = texel(left + dx, top + dy);
        std::array::from_fn(|channel| sum[channel] + weight * texel[channel])
    })
}

#[cfg(test)]
mod tests {
    use egui::{ColorImage, Pos2};

    use super::*;

    /// A texture of one row, drawn into a rectangle of a picture of 8 x 4 pixels.
    fn drawn(colours: &[Color32], rect: Rect, clip: Rect, options: TextureOptions) -> Vec<u8> {
        let mut raster = Raster::new(8, 4, Color32::BLACK);
        let image = ColorImage::new([colours.len(), 1], colours.to_vec());
        raster.set(TextureId::default(), &ImageDelta::full(image, options));
        let mut mesh = Mesh::default();
        mesh.add_rect_with_uv(rect, Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0)), Color32::WHITE);
        raster.draw(&[ClippedPrimitive { clip_rect: clip, primitive: Primitive::Mesh(mesh) }]);
        raster.rgb().chunks(3).map(|pixel| pixel[0]).collect()
    }

    fn rect(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        Rect::from_min_max(Pos2::new(left, top), Pos2::new(right, bottom))
    }

    #[test]
    fn pixels_are_filled_once_and_textures_are_exact() {
        let colours: Vec<Color32> = (1..=4).map(|i| Color32::from_gray(40 * i)).collect();
        let all = rect(0.0, 0.0, 8.0, 4.0);
        let row = drawn(&colours, rect(2.0, 1.0, 6.0, 3.0), all, TextureOptions::NEAREST);
        assert_eq!(row[..8], [0; 8]);
        assert_eq!(row[8..16], [0, 0, 40, 80, 120, 160, 0, 0]);
        assert_eq!((&row[16..24], &row[24..]), (&row[8..16], &[0; 8][..]));
        let clipped = drawn(&colours, rect(2.0, 1.0, 6.0, 3.0), rect(3.0, 0.0, 5.0, 2.0), TextureOptions::NEAREST);
        assert_eq!((&clipped[8..16], &clipped[16..24]), (&[0, 0, 0, 80, 120, 0, 0, 0][..], &[0; 8][..]));
    }

    #[test]
    fn glass_is_drawn_once_where_triangles_meet() {
        let glass = [Color32::from_white_alpha(128)];
        let row = drawn(&glass, rect(0.0, 0.0, 8.0, 4.0), rect(0.0, 0.0, 8.0, 4.0), TextureOptions::NEAREST);
        assert_eq!(row, [128; 32]);
    }

    #[test]
    fn between_texels_are_means() {
        let colours = [Color32::BLACK, Color32::WHITE];
        let row = drawn(&colours, rect(0.0, 0.0, 8.0, 4.0), rect(0.0, 0.0, 8.0, 4.0), TextureOptions::LINEAR);
        assert!(row[..8].is_sorted() && (row[0], row[7]) == (0, 255) && (row[3], row[4]) == (96, 159));
    }
}
