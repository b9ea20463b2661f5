//! Which tile the pointwise kernels use on an adapter: timed once, and remembered in a folder.

use std::path::{Path, PathBuf};

use calotype_model::{Pointwise, Wide};
use calotype_shaders::TILES;

use crate::gpu::{Gpu, Tuning};
use crate::layers::{Codes, Emit, Size};
use crate::measure::fastest;
use crate::packed::{Next, PackedPointwise};
use crate::{AdapterFacts, Error};

/// The first line of a file; the number rises with the kernels.
const HEADER: &str = "calotype tiles 1";
/// The shape that tiles are timed on: K and N of the widest layer of a block of `fast`.
const SHAPE: (usize, usize) = (128, 256);

impl Tuning {
    /// What `folder` remembers of an adapter; else the fastest tiles, which it remembers from then on. Without a folder nothing is timed.
    /// A folder that cannot be written, and a file that is no such file, do no harm.
    pub fn choose(gpu: &Gpu, adapter: &AdapterFacts, folder: Option<&Path>) -> Result<Tuning, Error> {
        let Some(folder) = folder else { return Ok(Tuning::default()) };
        let (file, head) = (folder.join(file_name(adapter)), format!("{HEADER}\n{adapter}\n"));
        if let Some(tuning) = std::fs::read_to_string(&file).ok().and_then(|text| Tuning::parse(text.strip_prefix(&head)?)) {
            return Ok(tuning);
        }
        let tuning = Tuning::fastest(gpu, adapter)?;
        // Forgotten at worst.
        let _ = write(&file, &(head + &tuning.text()));
        Ok(tuning)
    }

    fn text(self) -> String {
        format!("int8 {}\nwide {}\n", TILES[self.int8].name, TILES[self.wide].name)
    }

    fn parse(text: &str) -> Option<Tuning> {
        let mut lines = text.lines();
        let mut tile = |kind: &str| {
            let name = lines.next()?.strip_prefix(kind)?.strip_prefix(' ')?;
            TILES.iter().position(|tile| tile.name == name)
        };
        Some(Tuning { int8: tile("int8")?, wide: tile("wide")? })
    }

    fn fastest(gpu: &Gpu, adapter: &AdapterFacts) -> Result<Tuning, Error> {
        // As many positions as a piece of g_s has, and few where a CPU computes them.
        let size = if adapter.is_software() { Size::new(32, 32) } else { Size::new(192, 192) };
        let (inputs, outputs) = SHAPE;
        let (bias, shift) = (vec![0; outputs], vec![8; outputs]);
        let int8 =
            Pointwise { name: String::new(), inputs, outputs, weight: vec![1; inputs * outputs], bias: bias.clone(), shift: shift.clone() };
        let wide = Wide { name: String::new(), inputs, outputs, weight: vec![1; inputs * outputs], bias, shift };
        let int8 = PackedPointwise::int8(gpu, &int8, Next::default())?;
        let wide = PackedPointwise::wide(gpu, &wide, Next::default())?;
        let (input, output) = (gpu.take((2 * size.positions() * inputs) as u64)?, gpu.take((2 * size.positions() * outputs) as u64)?);
        let codes = Codes { size, stride: inputs, buffer: &input };
        let emit = Emit::same(size, Some(&output), None);
        Ok(Tuning {
            int8: best(|tile| fastest(gpu, |commands| commands.code(&int8.with_tile(tile), 1, codes, &output)))?,
            wide: best(|tile| fastest(gpu, |commands| commands.wide(&wide.with_tile(tile), size, &input, &emit)))?,
        })
    }
}

/// The tile with the shortest time.
fn best(time: impl Fn(usize) -> Result<std::time::Duration, Error>) -> Result<usize, Error> {
    let times = (0..TILES.len()).map(time).collect::<Result<Vec<_>, Error>>()?;
    Ok((0..TILES.len()).min_by_key(|&tile| times[tile]).unwrap_or_default())
}

fn file_name(adapter: &AdapterFacts) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
    format!("tiles-{}.txt", format!("{}-{}", adapter.backend, adapter.name).chars().map(plain).collect::<String>())
}

/// All or nothing, whatever other processes do.
fn write(file: &Path, text: &str) -> std::io::Result<()> {
    let folder: &Path = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let fresh: PathBuf = file.with_extension(format!("{}.new", std::process::id()));
    std::fs::write(&fresh, text)?;
    std::fs::rename(fresh, file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back_or_refused() {
        for (int8, wide) in [(0, 4), (3, 1), (2, 2)] {
            let tuning = Tuning { int8, wide };
            assert_eq!(Tuning::parse(&tuning.text()), Some(tuning));
        }
        let text = Tuning::default().text();
        for wrong in ["", "int8", "int8 tile_8x4\n", "wide tile_8x4\nint8 tile_8x4\n", &text.replace("8x4", "9x9"), &text.replace(' ', "")]
        {
            assert_eq!(Tuning::parse(wrong), None, "{wrong:?}");
        }
    }
}
