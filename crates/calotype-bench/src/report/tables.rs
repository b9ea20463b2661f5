//! The tables of the page.

use maud::{Markup, html};

use crate::curves::Metric;
use crate::point::{Mean, OURS, Point};
use crate::report::number::{number, number_or_dash, signed_or_dash};
use crate::results::Results;
use crate::speed::{Speed, Spread};
use crate::summary::Pair;

/// What ran, and with which settings.
pub fn facts(results: &Results) -> Markup {
    let machine = &results.machine;
    html! {
        p {
            (results.program) ", model " code { (results.model_id) } ", " (results.engine) " " (results.adapter) ", " (results.threads) " threads; "
            (machine.cpu) ", " (machine.cores) " cores, " (machine.os) "."
        }
        @if !results.skipped.is_empty() { p.warning { "Not measured, for their tools are missing: " (results.skipped.join(", ")) "." } }
        @if !results.left_out.is_empty() {
            p.warning { "Left out, for they could not be measured: " (results.left_out.len()) " (" (results.left_out.join(", ")) ")." }
        }
        @if !results.codecs.is_empty() {
            table.words {
                thead { tr { th { "codec" } th { "version" } th { "settings" } } }
                tbody { @for codec in &results.codecs { tr { th { (codec.label) } td { (codec.version) } td { code { (codec.settings) } } } } }
            }
        }
    }
}

/// A matrix per metric: rows against columns.
pub fn bd_rates(results: &Results) -> Markup {
    let mut names: Vec<&str> = vec![OURS];
    names.extend(results.curves.keys().map(String::as_str));
    html! {
        @if !results.pairs.is_empty() {
            h2 { "BD-rate" }
            p.note { "Percent more (less: negative) bits than the column's codec at equal quality: PCHIP of log rate, over all of the common range. – where there is none, or where a curve does not rise." }
            @for metric in Metric::ALL { (matrix(results, metric, &names)) }
        }
    }
}

fn matrix(results: &Results, metric: Metric, names: &[&str]) -> Markup {
    let has = |name: &&str| {
        results.pairs.iter().any(|pair| pair.tested == **name && pair.comparison.metric == metric && pair.comparison.percent.is_some())
    };
    let names: Vec<&str> = names.iter().filter(|name| has(name)).copied().collect();
    let find = |tested: &str, anchor: &str| {
        let wanted = |pair: &Pair| pair.tested == tested && pair.comparison.against == anchor && pair.comparison.metric == metric;
        results.pairs.iter().enumerate().find(|(_, pair)| wanted(pair))
    };
    html! {
        @if names.len() > 1 {
            table.matrix {
                caption { (metric.title()) }
                thead { tr { th { "" } @for name in &names { th { (name) } } } }
                tbody {
                    @for tested in &names {
                        tr class=[(*tested == OURS).then_some("ours")] {
                            th { (tested) }
                            @for anchor in &names {
                                td { @if let Some((place, pair)) = find(tested, anchor) { (signed_or_dash(&format!("/pairs/{place}/percent"), pair.comparison.percent)) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whole processes.
pub fn speeds(results: &Results) -> Markup {
    html! {
        @if let Some(first) = results.speed.first() {
            h2 { "Speed" }
            p.note {
                "Whole processes from file to file, one at a time, on " (results.machine.cores) " cores (" (results.machine.cpu) "), each told to use " (first.threads)
                " threads where it can be told: " (first.pictures) " pictures, PPM in and out (uncompressed PNG for avifenc and avifdec, which know no PPM), at the setting nearest to 0.75 bpp. Medians of "
                (first.encode_ms.runs) " runs over all pictures after one that does not count; in brackets the fastest and the slowest run."
            }
            table {
                thead { tr { th { "codec" } th { "setting" } th { "bpp" } th { "encode MP/s" } th { "encode ms" } th { "decode MP/s" } th { "decode ms" } th { "load" } } }
                tbody { @for (place, speed) in results.speed.iter().enumerate() { (speed_row(&format!("/speed/{place}"), speed)) } }
            }
        }
    }
}

fn speed_row(at: &str, speed: &Speed) -> Markup {
    html! {
        tr class=[(speed.codec == OURS).then_some("ours")] {
            th { (speed.codec) }
            td { (number(&format!("{at}/quality"), speed.quality, 1)) }
            td { (number(&format!("{at}/bpp"), speed.bpp, 3)) }
            td { (number(&format!("{at}/encode_mp_per_s"), speed.encode_mp_per_s, 2)) }
            td { (spread(&format!("{at}/encode_ms"), &speed.encode_ms)) }
            td { (number(&format!("{at}/decode_mp_per_s"), speed.decode_mp_per_s, 2)) }
            td { (spread(&format!("{at}/decode_ms"), &speed.decode_ms)) }
            td { (number_or_dash(&format!("{at}/load_average"), speed.load_average, 2)) }
        }
    }
}

fn spread(at: &str, spread: &Spread) -> Markup {
    html! {
        (number(&format!("{at}/median"), spread.median, 0)) " (" (number(&format!("{at}/min"), spread.min, 0)) "–" (number(&format!("{at}/max"), spread.max, 0)) ")"
    }
}

/// Means of every codec.
pub fn means(results: &Results) -> Markup {
    html! {
        h2 { "Means over the images" }
        (means_of(OURS, "/means", &results.means))
        @for (place, codec) in results.codecs.iter().enumerate() { (means_of(&codec.label, &format!("/codecs/{place}/means"), &codec.means)) }
    }
}

fn means_of(label: &str, at: &str, means: &[Mean]) -> Markup {
    html! {
        details open[label == OURS] {
            summary { (label) }
            table {
                thead { tr { th { "setting" } th { "bpp" } th { "PSNR-RGB, dB" } th { "MS-SSIM" } th { "SSIMULACRA2" } } }
                tbody { @for (place, mean) in means.iter().enumerate() { (mean_row(&format!("{at}/{place}"), mean)) } }
            }
        }
    }
}

fn mean_row(at: &str, mean: &Mean) -> Markup {
    html! {
        tr {
            td { (number(&format!("{at}/quality"), mean.quality, 1)) }
            td { (number(&format!("{at}/bpp"), mean.bpp, 4)) }
            td { (number(&format!("{at}/psnr_db"), mean.psnr_db, 3)) }
            td { (number_or_dash(&format!("{at}/ms_ssim"), mean.ms_ssim, 5)) }
            td { (number_or_dash(&format!("{at}/ssimulacra2"), mean.ssimulacra2, 2)) }
        }
    }
}

/// What stands under a crop.
pub fn crop_numbers(at: &str, point: &Point) -> Markup {
    html! {
        br; (number(&format!("{at}/bytes"), point.bytes as f64, 0)) " bytes, " (number(&format!("{at}/bpp"), point.bpp, 3)) " bpp"
        br; (number(&format!("{at}/psnr_db"), point.psnr_db, 2)) " dB, SSIMULACRA2 " (number_or_dash(&format!("{at}/ssimulacra2"), point.ssimulacra2, 1))
    }
}
