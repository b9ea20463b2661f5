//! Pictures on the graphics card: only the tiles that are in view, at the size in which they are drawn.

use std::collections::HashMap;
use std::sync::Arc;

use calotype::{Image, Region};
use eframe::egui_wgpu::RenderState;
use egui::{Color32, ColorImage, Context, Mesh, Pos2, Rect, Shape, TextureHandle, TextureId, TextureOptions};

use crate::overlay::HeatMap;
use crate::picture::{Patch, Picture};
use crate::transform::Transform;

/// Side of a tile.
const TILE_PX: u32 = 512;
/// Tiles that were not drawn lately go when there are more bytes than this.
const BUDGET_BYTES: usize = 32 << 20;
/// Bytes that one frame brings to the card at most, so that it stays short; what is missing comes with the next ones.
const FRAME_BYTES: usize = 8 << 20;

/// A tile of a level of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    patch: u64,
    level: usize,
    column: u32,
    row: u32,
    sharp: bool,
}

struct Tile {
    handle: TextureHandle,
    used: u64,
}

/// The tiles on the card.
#[derive(Default)]
pub struct Textures {
    /// The window's device, where it has one: what was developed there is drawn from there.
    pub card: Option<RenderState>,
    /// Textures that were developed there, sharp or not, with the frame that last drew them.
    developed: HashMap<(u64, bool), (TextureId, u64)>,
    tiles: HashMap<Key, Tile>,
    heat: Option<(Arc<HeatMap>, TextureHandle)>,
    frame: u64,
    brought: usize,
    missing: bool,
    /// Whether a frame brings all that it needs, however long that takes.
    pub at_once: bool,
}

/// Where a picture is drawn.
#[derive(Clone, Copy)]
pub struct Place {
    /// The part of the window that it belongs to, in points.
    pub view: Rect,
    /// How it lies there.
    pub transform: Transform,
    /// Physical pixels per point.
    pub pixels_per_point: f64,
}

impl Place {
    /// From a point of the picture to one of the window.
    pub fn point(&self, x: f64, y: f64) -> Pos2 {
        let at = self.transform.to_view([x, y]);
        self.view.min + egui::vec2((at[0] / self.pixels_per_point) as f32, (at[1] / self.pixels_per_point) as f32)
    }

    /// From left, top, right, bottom in the picture to the window.
    pub fn rect(&self, [left, top, right, bottom]: [f64; 4]) -> Rect {
        Rect::from_min_max(self.point(left, top), self.point(right, bottom))
    }
}

impl Textures {
    /// A new frame begins; says whether the last one lacked something.
    pub fn begin_frame(&mut self) -> bool {
        (self.frame, self.brought) = (self.frame + 1, 0);
        let bytes = |tile: &Tile| tile.handle.byte_size();
        let mut all: usize = self.tiles.values().map(bytes).sum();
        let frame = self.frame;
        self.tiles.retain(|_, tile| {
            let keep = all <= BUDGET_BYTES || tile.used + 1 >= frame;
            all -= if keep { 0 } else { bytes(tile) };
            keep
        });
        if let Some(card) = &self.card {
            let free = |id: &TextureId| card.renderer.write().free_texture(id);
            self.developed.retain(|_, (id, used)| {
                *used + 1 >= frame || {
                    free(id);
                    false
                }
            });
        }
        std::mem::take(&mut self.missing)
    }

    /// What draws a picture.
    pub fn picture(&mut self, ctx: &Context, picture: &Picture, place: &Place) -> Vec<Shape> {
        picture.patches.iter().flat_map(|patch| self.patch(ctx, patch, place)).collect()
    }

    fn patch(&mut self, ctx: &Context, patch: &Patch, place: &Place) -> Vec<Shape> {
        if let Some(texture) = &patch.texture {
            return self.on_device(patch, texture, place).into_iter().collect();
        }
        let scale = place.transform.scale();
        let level = patch.level_for(scale);
        let (image, reduction) = (&patch.levels()[level], f64::from(patch.reduction_at(level)));
        let sharp = reduction == 1.0 && scale >= 1.0;
        let tile_px = f64::from(TILE_PX) * reduction;
        let [left, top, right, bottom] = place.transform.visible().map(f64::from);
        let origin = [f64::from(patch.region.x), f64::from(patch.region.y)];
        let tiles = |first: f64, last: f64, from: f64, size: u32| {
            let count = size.div_ceil(TILE_PX);
            let [first, last] = [((first - from) / tile_px).floor(), ((last - from) / tile_px).ceil()];
            (first.max(0.0) as u32).min(count)..(last.max(0.0) as u32).min(count)
        };
        let (columns, rows) = (tiles(left, right, origin[0], image.width), tiles(top, bottom, origin[1], image.height));
        let keys = rows.flat_map(|row| columns.clone().map(move |column| Key { patch: patch.id, level, column, row, sharp }));
        keys.filter_map(|key| {
            let texture = self.tile(ctx, image, key)?;
            Some(quad(texture, image, key, &|x, y| place.point(in_patch(patch, 0, x * reduction), in_patch(patch, 1, y * reduction))))
        })
        .collect()
    }

    /// What draws a patch that was developed on the window's device: nothing is brought there.
    fn on_device(&mut self, patch: &Patch, texture: &wgpu::Texture, place: &Place) -> Option<Shape> {
        let (card, sharp) = (self.card.as_ref()?, place.transform.scale() >= 1.0);
        let known = self.developed.entry((patch.id, sharp)).or_insert_with(|| (register(card, texture, sharp), self.frame));
        known.1 = self.frame;
        let Region { x, y, width, height } = patch.region;
        let mut mesh = Mesh::with_texture(known.0);
        let rect = place.rect([x, y, x + width, y + height].map(f64::from));
        mesh.add_rect_with_uv(rect, Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0)), Color32::WHITE);
        Some(Shape::mesh(mesh))
    }

    /// The tile's texture; `None` if it must wait for the next frame.
    fn tile(&mut self, ctx: &Context, image: &Image, key: Key) -> Option<TextureId> {
        if let Some(tile) = self.tiles.get_mut(&key) {
            tile.used = self.frame;
            return Some(tile.handle.id());
        }
        if self.brought >= FRAME_BYTES && !self.at_once {
            self.missing = true;
            return None;
        }
        let options = if key.sharp { TextureOptions::NEAREST } else { TextureOptions::LINEAR };
        let handle = ctx.load_texture("tile", cut(image, key), options);
        self.brought += handle.byte_size();
        let id = handle.id();
        self.tiles.insert(key, Tile { handle, used: self.frame });
        Some(id)
    }

    /// What draws an overlay; it covers whole latents, so more than the picture at its right and lower edge.
    pub fn heat(&mut self, ctx: &Context, heat: &Arc<HeatMap>, place: &Place, opacity: f32) -> Shape {
        if self.heat.as_ref().is_none_or(|(known, _)| !Arc::ptr_eq(known, heat)) {
            let image = ColorImage::from_rgb([heat.columns, heat.rows], &heat.rgb);
            self.heat = Some((Arc::clone(heat), ctx.load_texture("heat", image, TextureOptions::NEAREST)));
        }
        let rect = place.rect([0.0, 0.0, 16.0 * heat.columns as f64, 16.0 * heat.rows as f64]);
        let mut mesh = Mesh::default();
        if let Some((_, handle)) = &self.heat {
            mesh.texture_id = handle.id();
            mesh.add_rect_with_uv(rect, Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0)), Color32::WHITE.gamma_multiply(opacity));
        }
        Shape::mesh(mesh)
    }
}

/// Lets egui draw a texture: from its nearest pixels, or from the smaller copies that fit.
fn register(card: &RenderState, texture: &wgpu::Texture, sharp: bool) -> TextureId {
    let filter = if sharp { wgpu::FilterMode::Nearest } else { wgpu::FilterMode::Linear };
    let mipmap_filter = if sharp { wgpu::MipmapFilterMode::Nearest } else { wgpu::MipmapFilterMode::Linear };
    let sampler = wgpu::SamplerDescriptor { mag_filter: filter, min_filter: filter, mipmap_filter, ..Default::default() };
    let view = texture.create_view(&wgpu::TextureViewDescriptor::default());
    card.renderer.write().register_native_texture_with_sampler_options(&card.device, &view, sampler)
}

/// A place in a patch as a place in the picture. The last pixel of a level may stand for fewer of the picture's.
fn in_patch(patch: &Patch, axis: usize, at: f64) -> f64 {
    let (begin, length) = [(patch.region.x, patch.region.width), (patch.region.y, patch.region.height)][axis];
    f64::from(begin) + at.min(f64::from(length))
}

/// Columns or rows of a tile, with one more on each side where the level has it.
fn with_border(number: u32, size: u32) -> (u32, u32) {
    ((number * TILE_PX).saturating_sub(1), (number * TILE_PX + TILE_PX + 1).min(size))
}

fn cut(image: &Image, key: Key) -> ColorImage {
    let ((left, right), (top, bottom)) = (with_border(key.column, image.width), with_border(key.row, image.height));
    let row = |y: u32| {
        let begin = 3 * (y as usize * image.width as usize + left as usize);
        &image.rgb[begin..begin + 3 * (right - left) as usize]
    };
    let pixels = (top..bottom).flat_map(|y| row(y).as_chunks::<3>().0).map(|&[r, g, b]| Color32::from_rgb(r, g, b)).collect();
    ColorImage::new([(right - left) as usize, (bottom - top) as usize], pixels)
}

/// The tile without its border; `point` takes places in the level to the window.
fn quad(texture: TextureId, image: &Image, key: Key, point: &dyn Fn(f64, f64) -> Pos2) -> Shape {
    let axis = |number: u32, size: u32| {
        let ((first, last), begin) = (with_border(number, size), number * TILE_PX);
        let end = (begin + TILE_PX).min(size);
        let at = |place: u32| (f64::from(place - first) / f64::from(last - first)) as f32;
        (f64::from(begin), f64::from(end), at(begin), at(end))
    };
    let ((left, right, u0, u1), (top, bottom, v0, v1)) = (axis(key.column, image.width), axis(key.row, image.height));
    let mut mesh = Mesh::with_texture(texture);
    let rect = Rect::from_min_max(point(left, top), point(right, bottom));
    mesh.add_rect_with_uv(rect, Rect::from_min_max(Pos2::new(u0, v0), Pos2::new(u1, v1)), Color32::WHITE);
    Shape::mesh(mesh)
}
