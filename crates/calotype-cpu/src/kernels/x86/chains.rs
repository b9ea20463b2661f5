//! Int8 weights in couples of groups for `vpmaddubsw`, so that no 16-bit sum of a couple saturates.
//!
//! `vpmaddubsw` multiplies unsigned codes by weights and adds pairs of products in 16 bits; the sums of two groups of four inputs are added
//! before they are widened. Codes are at most 255, so it is exact as long as neither the positive nor the negative ones among the four
//! weights of a 16-bit lane add up to more than 128. Where they do, what is too much goes to a further couple with the same inputs.

use crate::kernels::pack::{Ends, LANES, Line, PointwiseSource, pack_ends};
use crate::kernels::portable::NATURAL;

/// Inputs in a group.
const GROUP: usize = 4;
/// How many partners beyond those that are sure to fit are tried.
const SEARCH: usize = 8;
/// What weights of one sign may add up to in a lane: 255 * 128 < 2^15.
const MOST: i32 = 128;

/// Two groups of inputs, with their weights for 16 outputs.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Couple {
    pub lines: [Line<i8, 4>; 2],
}

/// A packed int8 layer.
pub(crate) struct Chains {
    /// K.
    pub inputs: usize,
    /// N.
    pub outputs: usize,
    /// For each couple, the first inputs of its groups: at most K - 4.
    offsets: Vec<[u32; 2]>,
    /// Those of the first 16 outputs first.
    couples: Vec<Couple>,
    /// Where the couples of each 16 outputs end.
    block_ends: Vec<usize>,
    /// One per 16 outputs.
    pub ends: Vec<Ends>,
}

impl Chains {
    /// Packs a layer; `exact` says whether the sums of a couple are in 32 bits, so that any weights fit.
    pub fn new(source: PointwiseSource<'_, i8>, exact: bool) -> Chains {
        let ends = pack_ends(source.shift, NATURAL, |output| source.unsigned_bias(output));
        let mut chains = Chains {
            inputs: source.inputs,
            outputs: source.bias.len(),
            offsets: Vec::new(),
            couples: Vec::new(),
            block_ends: Vec::new(),
            ends,
        };
        for first in (0..chains.outputs).step_by(LANES) {
            chains.push_block(&source, first, if exact { i32::from(u8::MAX) * 4 } else { MOST });
        }
        chains
    }

    /// The couples of 16 outputs, each with the first inputs of its groups: at most K - 4.
    pub fn block(&self, block: usize) -> (&[Couple], &[[u32; 2]]) {
        let begin = block.checked_sub(1).map_or(0, |before| self.block_ends[before]);
        let couples = begin..self.block_ends[block];
        (&self.couples[couples.clone()], &self.offsets[couples])
    }

    /// 16 outputs from `first` on.
    fn push_block(&mut self, source: &PointwiseSource<'_, i8>, first: usize, most: i32) {
        let lanes = LANES.min(self.outputs - first);
        let mut rest: Vec<Line<i8, 4>> = vec![Line([[0; GROUP]; LANES]); source.inputs / GROUP];
        for lane in 0..lanes {
            for (line, group) in rest.iter_mut().zip(source.row(first + lane).as_chunks::<GROUP>().0) {
                line.0[lane] = *group;
            }
        }
        let mut groups = self.push_fitting(&mut rest, most);
        while !groups.is_empty() {
            for pair in groups.chunks(2) {
                self.push_couple(&mut rest, pair, most);
            }
            groups.retain(|&group| rest[group].0 != [[0; GROUP]; LANES]);
        }
        self.block_ends.push(self.couples.len());
    }

    /// Couples groups that fit together whole, each of the largest with as large a partner as a short search finds, and takes them from `rest`;
    /// returns those that find none.
    fn push_fitting(&mut self, rest: &mut [Line<i8, 4>], most: i32) -> Vec<usize> {
        let sums: Vec<[u8; 4 * LANES]> = rest.iter().map(lane_sums).collect();
        let largest: Vec<i32> = sums.iter().map(|sums| sums.iter().max().map_or(0, |&sum| i32::from(sum))).collect();
        let mut open: Vec<usize> = (0..rest.len()).filter(|&group| largest[group] > 0).collect();
        open.sort_by_key(|&group| largest[group]);
        let mut alone = Vec::new();
        while let Some(group) = open.pop() {
            // Those before `sure` fit whatever their lanes; some beyond may.
            let sure = open.partition_point(|&other| largest[other] + largest[group] <= most);
            let fits = |&place: &usize| place < sure || largest_sum(&sums[group], &sums[open[place]]) <= most;
            match (0..open.len().min(sure + SEARCH)).rev().find(fits) {
                Some(place) => self.push_whole(rest, [open.remove(place), group]),
                None => alone.push(group),
            }
        }
        alone
    }

    /// Moves all of two groups' weights into a couple.
    fn push_whole(&mut self, rest: &mut [Line<i8, 4>], groups: [usize; 2]) {
        self.couples.push(Couple { lines: groups.map(|group| std::mem::replace(&mut rest[group], Line([[0; GROUP]; LANES]))) });
        self.offsets.push(groups.map(|group| (GROUP * group) as u32));
    }

    /// Moves as much of one or two groups' weights into a couple as it may hold.
    fn push_couple(&mut self, rest: &mut [Line<i8, 4>], groups: &[usize], most: i32) {
        let mut couple = Couple { lines: [Line([[0; GROUP]; LANES]); 2] };
        for lane in 0..LANES {
            for half in [0, 2] {
                let mut room = [most; 2];
                for (line, &group) in couple.lines.iter_mut().zip(groups) {
                    for i in [half, half + 1] {
                        line.0[lane][i] = take(&mut rest[group].0[lane][i], &mut room);
                    }
                }
            }
        }
        self.couples.push(couple);
        self.offsets.push([groups[0], *groups.last().unwrap_or(&groups[0])].map(|group| (GROUP * group) as u32));
    }
}

/// What the positive and the negative weights of each 16-bit lane of a group add up to.
fn lane_sums(line: &Line<i8, 4>) -> [u8; 4 * LANES] {
    let mut sums = [0; 4 * LANES];
    for (sums, weights) in sums.as_chunks_mut::<2>().0.iter_mut().zip(line.0.as_flattened().as_chunks::<2>().0) {
        for &weight in weights {
            sums[usize::from(weight < 0)] += weight.unsigned_abs();
        }
    }
    sums
}

/// The largest sum that two groups reach together in a lane.
fn largest_sum(one: &[u8; 4 * LANES], other: &[u8; 4 * LANES]) -> i32 {
    let largest = one.iter().zip(other).map(|(&one, &other)| one.saturating_add(other)).max();
    largest.map_or(0, i32::from)
}

/// As much of a weight as there is room for its sign.
fn take(weight: &mut i8, room: &mut [i32; 2]) -> i8 {
    let room = &mut room[usize::from(*weight < 0)];
    let taken = i32::from(weight.unsigned_abs()).min(*room);
    *room -= taken;
    let taken = (i32::from(*weight).signum() * taken) as i8;
    *weight -= taken;
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chains(weight: &[i8], inputs: usize) -> Chains {
        let outputs = weight.len() / inputs;
        Chains::new(PointwiseSource { inputs, weight, bias: &vec![0; outputs], shift: &vec![0; outputs] }, false)
    }

    /// Adds the couples' weights up again.
    fn unpacked(chains: &Chains) -> Vec<i32> {
        let mut weight = vec![0; chains.inputs * chains.outputs];
        for block in 0..chains.ends.len() {
            let (couples, offsets) = chains.block(block);
            for (couple, offsets) in couples.iter().zip(offsets) {
                for ((line, &offset), lane) in couple.lines.iter().zip(offsets).flat_map(|pair| (0..LANES).map(move |lane| (pair, lane))) {
                    for i in 0..GROUP {
                        let taken = i32::from(line.0[lane][i]);
                        match weight.get_mut((block * LANES + lane) * chains.inputs + offset as usize + i) {
                            Some(weight) => *weight += taken,
                            None => assert_eq!(taken, 0, "padding"),
                        }
                    }
                }
            }
        }
        weight
    }

    fn largest_of(chains: &Chains) -> i32 {
        let lane_sum = |couple: &Couple, lane: usize, half: usize, sign: i32| -> i32 {
            let weights = couple.lines.iter().flat_map(|line| line.0[lane][half..half + 2].iter());
            weights.map(|&weight| (sign * i32::from(weight)).max(0)).sum()
        };
        let sums = |couple: &Couple| {
            let lanes = (0..LANES).flat_map(|lane| [(lane, 0, 1), (lane, 0, -1), (lane, 2, 1), (lane, 2, -1)]);
            lanes.map(|(lane, half, sign)| lane_sum(couple, lane, half, sign)).max().unwrap_or(0)
        };
        chains.couples.iter().map(sums).max().unwrap_or(0)
    }

    #[test]
    fn couples_hold_all_weights_and_never_too_much() {
        for (inputs, outputs) in [(4, 1), (12, 17), (64, 32), (160, 20)] {
            for scale in [1, 3, 127] {
                let weight: Vec<i8> =
                    (0..inputs * outputs).map(|i| ((i * i * 37 + i * 11) % 255) as i32 - 127).map(|w| (w / scale) as i8).collect();
                let chains = chains(&weight, inputs);
                assert_eq!(unpacked(&chains), weight.iter().map(|&weight| i32::from(weight)).collect::<Vec<_>>());
                assert!(largest_of(&chains) <= MOST, "{}", largest_of(&chains));
            }
        }
    }

    #[test]
    fn small_weights_need_one_couple_for_eight_inputs_and_large_ones_more() {
        assert_eq!(chains(&[32; 64 * 16], 64).couples.len(), 8);
        assert_eq!(chains(&[-127; 64 * 16], 64).couples.len(), 8 * 4);
        assert_eq!(chains(&[0; 64 * 16], 64).couples.len(), 0);
        let uneven: Vec<i8> = (0..64 * 16).map(|i| if i % 64 < 32 { 60 } else { 4 }).collect();
        assert_eq!(chains(&uneven, 64).couples.len(), 8, "each large one finds a small one");
    }
}
