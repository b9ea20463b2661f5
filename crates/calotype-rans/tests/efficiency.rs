//! Coded sizes against cross entropies: of the tables, which the coder must reach, and of the float64 Gaussians behind them.

mod support;

use calotype_rans::{Scales, encode, lanes};
use support::{Random, gaussian, row, scales};

const SYMBOLS: usize = 200_000;

/// Symbols of mixed scales from 0.3 to 100, and their scale indices.
fn mixed() -> (Vec<i16>, Vec<u8>) {
    let (mut random, scales) = (Random(5), scales());
    let one = |_| {
        let index = 8 + random.below(48) as u8;
        ((scales[usize::from(index)] * random.normal()).round() as i16, index)
    };
    (0..SYMBOLS).map(one).unzip()
}

/// Bits under tables of so many bits of probability, escapes included: what an ideal coder would take.
fn table_bits(bits: u32, symbols: &[i16], scale_index: &[u8]) -> f64 {
    let rows: Vec<support::Row> = scales().iter().map(|&sigma| row(sigma, bits)).collect();
    symbols.iter().zip(scale_index).map(|(&symbol, &index)| code_bits(&rows[usize::from(index)], bits, i32::from(symbol))).sum()
}

fn code_bits(row: &support::Row, bits: u32, symbol: i32) -> f64 {
    let of = |slot: i32| f64::from(bits) - f64::from(row.freqs[slot as usize]).log2();
    match symbol.abs() - row.largest {
        excess if excess > 0 => of(2 * row.largest + 1) + f64::from(2 * excess.ilog2() + 2),
        _ => of(symbol + row.largest),
    }
}

#[test]
fn coded_size_reaches_the_tables_cross_entropy() {
    let (symbols, scale_index) = mixed();
    let coded_bytes = encode(&symbols, Scales::in_order(&scale_index, 0), &support::tables()).unwrap().len() as f64;
    let ideal_bytes = table_bits(15, &symbols, &scale_index) / 8.0;
    let lane_bytes = 4.0 * lanes(SYMBOLS) as f64;
    println!("{coded_bytes} bytes coded, {ideal_bytes:.1} ideal: excess {:.4} %", 100.0 * (coded_bytes / ideal_bytes - 1.0));
    // A 32-bit state with 15 bits of probability loses about 0.02 %.
    assert!(coded_bytes <= 1.001 * ideal_bytes + lane_bytes);
    assert!(coded_bytes > ideal_bytes, "a coder below the entropy means a wrong ideal");
    // Control: the same bound refuses tables of 8 bits, so it measures something.
    assert!(table_bits(8, &symbols, &scale_index) / 8.0 > 1.001 * ideal_bytes + lane_bytes);
}

#[test]
fn tables_of_15_bits_reach_the_gaussians_cross_entropy() {
    println!("excess over the Gaussian's entropy in %, sigma on the grid and averaged over its cell");
    println!("   sigma  bits/symbol   14 on  15 on  16 on   14 cell 15 cell 16 cell");
    for (index, &sigma) in scales().iter().enumerate() {
        let on = [14, 15, 16].map(|bits| 100.0 * excess(sigma, bits, &[0.0]));
        let cell = [14, 15, 16].map(|bits| 100.0 * excess(sigma, bits, &[-0.4, -0.2, 0.0, 0.2, 0.4]));
        if index % 3 == 0 {
            println!(
                "{sigma:8.3} {:12.4}   {:6.3} {:6.3} {:6.3}   {:6.3} {:6.3} {:6.3}",
                entropy(sigma),
                on[0],
                on[1],
                on[2],
                cell[0],
                cell[1],
                cell[2]
            );
        }
        assert!(sigma < 0.23 || cell[1] < 0.45, "sigma {sigma}: {} %", cell[1]);
    }
}

/// Expected bits under the table of `sigma` beyond the entropy, relative, for true scales at `steps` on the grid.
fn excess(sigma: f64, bits: u32, steps: &[f64]) -> f64 {
    let row = row(sigma, bits);
    let ratio = scales()[1] / scales()[0];
    let truths: Vec<f64> = steps.iter().map(|step| sigma * ratio.powf(*step)).collect();
    let coded = |truth: &f64| expected(*truth, |symbol| code_bits(&row, bits, symbol));
    truths.iter().map(coded).sum::<f64>() / truths.iter().map(|truth| entropy(*truth)).sum::<f64>() - 1.0
}

fn entropy(sigma: f64) -> f64 {
    expected(sigma, |symbol| -gaussian(sigma, symbol).log2())
}

/// Mean of `bits` over the Gaussian, twelve sigmas to each side.
fn expected(sigma: f64, bits: impl Fn(i32) -> f64) -> f64 {
    let reach = (12.0 * sigma) as i32 + 12;
    (-reach..=reach).map(|symbol| gaussian(sigma, symbol) * bits(symbol)).sum()
}
