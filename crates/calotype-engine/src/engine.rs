//! What every engine does, as coarse as the entropy coder between its parts permits.

use calotype_model::QualityTables;

use crate::{EncodeTables, Hyper, PixelRows, Placed, Rect, TileSize, TileSymbols};

/// docs/MODEL.md between symbols and pixels, for some tiles of a picture at a time. All engines give the same bits.
///
/// What comes back from a device is awaited, because a browser cannot block. Sizes that do not fit the model are the caller's mistake and panic.
pub trait Engine: Send + Sync {
    /// The side information of a tile, where the engine has it.
    type Side: Send + Sync;
    /// v_hat of a tile, where the engine has it.
    type Latents: Send + Sync;
    /// The decoder's tables at a quality, where the engine has them: made once for a picture.
    type Quality: Send + Sync;
    /// The encoder's tables at a quality, where the engine has them: made once for a picture.
    type Encoding: Send + Sync;
    /// Why there is no result.
    type Error: std::error::Error;

    /// Brings the decoder's tables to where they are used.
    ///
    /// # Errors
    /// Those of the device, as for all methods.
    fn quality(&self, tables: &QualityTables) -> Result<Self::Quality, Self::Error>;

    /// Brings the encoder's tables to where they are used.
    ///
    /// # Errors
    /// As [`Engine::quality`].
    fn encoding(&self, tables: &EncodeTables) -> Result<Self::Encoding, Self::Error>;

    /// Sections 5.1 and 5.2: z symbols `[zh, zw, Z]` of each tile to its side information and its scale indices.
    fn scales(
        &self,
        q: &Self::Quality,
        tiles: &[TileSize],
        z: &[Vec<i16>],
    ) -> impl Future<Output = Result<Vec<Hyper<Self::Side>>, Self::Error>>;

    /// Section 5.3: y symbols `[lh, lw, M]` of each tile to its v_hat. Nothing is waited for.
    ///
    /// # Errors
    /// As [`Engine::quality`].
    fn latents(&self, q: &Self::Quality, side: Vec<Self::Side>, y: &[Vec<i16>]) -> Result<Vec<Self::Latents>, Self::Error>;

    /// Section 5.4: the RGB bytes, row by row, of the pixels of `wanted` (in latents) in a picture of (width, height) pixels.
    ///
    /// `tiles` cover `wanted` and, inside the picture, as many latents around it as g_s sees, and do not overlap.
    fn pixels(
        &self,
        q: &Self::Quality,
        tiles: &[Placed<'_, Self::Latents>],
        wanted: Rect,
        size: (usize, usize),
    ) -> impl Future<Output = Result<Vec<u8>, Self::Error>>;

    /// Section 6: all symbols of tiles, for a model with an encoder part. `pixels` begin at a multiple of 64 rows and have the rows of these tiles
    /// and, inside the picture, as many more above and below as g_a sees.
    fn symbols(
        &self,
        encoding: &Self::Encoding,
        pixels: PixelRows<'_>,
        tiles: &[Rect],
    ) -> impl Future<Output = Result<Vec<TileSymbols>, Self::Error>>;
}
