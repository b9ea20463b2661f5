//! Colours for pixels that nobody sees: smooth ones cost the fewest bits.

/// A picture at half the scale of the one before, or the first.
struct Level {
    width: usize,
    height: usize,
    rgb: Vec<[u8; 3]>,
    seen: Vec<bool>,
}

/// Gives each pixel of `rgb`, rows `width` wide, that is not `seen` a colour from its neighbourhood: the mean of the seen pixels
/// in the smallest square, of those that halving the picture makes, that has any.
pub fn fill(rgb: &mut [u8], width: usize, seen: Vec<bool>) {
    if seen.iter().all(|&seen| seen) {
        return;
    }
    let pixels = rgb.as_chunks_mut::<3>().0;
    let mut level = Level { width, height: seen.len() / width, rgb: pixels.to_vec(), seen };
    level.fill();
    pixels.copy_from_slice(&level.rgb);
}

impl Level {
    fn fill(&mut self) {
        if self.seen.iter().all(|&seen| seen) {
            return;
        }
        let mut half = self.half();
        if self.rgb.len() > 1 {
            half.fill();
        }
        for (position, pixel) in self.rgb.iter_mut().enumerate().filter(|(position, _)| !self.seen[*position]) {
            *pixel = half.rgb[position / self.width / 2 * half.width + position % self.width / 2];
        }
    }

    fn half(&self) -> Level {
        let (width, height) = (self.width.div_ceil(2), self.height.div_ceil(2));
        let means = (0..width * height).map(|position| self.mean(position % width * 2, position / width * 2));
        let (rgb, seen) = means.map(|mean| (mean.unwrap_or([128; 3]), mean.is_some())).unzip();
        Level { width, height, rgb, seen }
    }

    /// Of the seen ones among four pixels, if there are any.
    fn mean(&self, x: usize, y: usize) -> Option<[u8; 3]> {
        let inside = |&(x, y): &(usize, usize)| x < self.width && y < self.height;
        let positions = [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)].into_iter().filter(inside).map(|(x, y)| y * self.width + x);
        let seen: Vec<[u8; 3]> = positions.filter(|&position| self.seen[position]).map(|position| self.rgb[position]).collect();
        let count = seen.len() as u16;
        let mean = |channel: usize| (seen.iter().map(|pixel| u16::from(pixel[channel])).sum::<u16>() + count / 2) / count;
        (count > 0).then(|| [0, 1, 2].map(|channel| mean(channel) as u8))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seen_pixels_stay_and_others_take_their_colour() {
        let mut rgb = [[10, 20, 30], [1, 1, 1], [2, 2, 2], [50, 60, 70], [3, 3, 3]].concat();
        fill(&mut rgb, 5, vec![true, false, false, true, false]);
        assert_eq!(rgb, [[10, 20, 30], [10, 20, 30], [50, 60, 70], [50, 60, 70], [30, 40, 50]].concat());
    }

    #[test]
    fn a_picture_that_nobody_sees_is_flat() {
        for (width, height) in [(1, 1), (3, 2), (1, 7)] {
            let mut rgb = vec![7; width * height * 3];
            fill(&mut rgb, width, vec![false; width * height]);
            assert!(rgb.iter().all(|&sample| sample == 128));
        }
    }
}
