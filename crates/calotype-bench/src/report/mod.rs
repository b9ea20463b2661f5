//! The results of an evaluation as one page of HTML that needs no other file.

mod bench_page;
mod number;
mod plot;
mod tables;

use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::crops::Crop;
use crate::curves::{Curve, Metric};
use crate::error::Error;
use crate::point::OURS;
use crate::results::Results;
pub(crate) use bench_page::bench_sections;
pub use bench_page::{Named, bench_page};
use number::number;
use plot::{Plot, Series};

const STYLE: &str = include_str!("style.css");

/// Draws the page; crops are taken from the folder `crops`. Every number of a table names its place in the JSON file (`data-json`, a JSON pointer).
///
/// # Errors
/// [`Error::Io`] if a crop cannot be read.
pub fn report(results: &Results, crops: &Path) -> Result<String, Error> {
    let crops = crops_section(results, crops)?;
    let title = format!("calotype {} on {} images", results.model_id, results.images.len());
    Ok(page(
        &title,
        html! {
            h1 { (title) }
            (tables::facts(results))
            h2 { "Rate and distortion" }
            p.note { "Means over the images at each setting. Broken lines are published curves." }
            div.plots { @for metric in Metric::ALL { (rate_plot(results, metric)) } }
            (tables::bd_rates(results))
            (tables::speeds(results))
            (crops)
            (tables::means(results))
        },
    ))
}

/// A whole page of HTML that needs no other file.
pub(crate) fn page(title: &str, body: Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    }
    .into_string()
}

/// Curves of one metric; nothing where none has it.
fn rate_plot(results: &Results, metric: Metric) -> Markup {
    let ours = Curve::of_means(String::new(), &results.means);
    let measured = |name: &String| results.codecs.iter().any(|facts| facts.label == *name);
    let mut all = vec![series(0, OURS, &ours, metric, false)];
    all.extend(results.curves.iter().zip(1..).map(|((name, curve), colour)| series(colour, name, curve, metric, !measured(name))));
    let series: Vec<Series> = all.into_iter().flatten().collect();
    let max_x = results.means.last().map_or(2.0, |mean| mean.bpp.max(0.5));
    html! {
        @if !series.is_empty() { figure { (Plot { x_title: "bits per pixel (logarithmic)", y_title: metric.title(), max_x, series }.draw()) } }
    }
}

fn series(colour: usize, name: &str, curve: &Curve, metric: Metric, broken: bool) -> Option<Series> {
    let rates = curve.rate_curve(metric)?;
    let mut points: Vec<(f64, f64)> = rates.bpp.into_iter().zip(rates.quality).filter(|point| point.1.is_finite()).collect();
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    Some(Series { name: name.to_string(), colour, points, broken })
}

fn crops_section(results: &Results, folder: &Path) -> Result<Markup, Error> {
    let images: Vec<Vec<String>> = results.crops.iter().map(|crop| embedded(crop, folder)).collect::<Result<_, _>>()?;
    Ok(html! {
        @if !results.crops.is_empty() {
            h2 { "Side by side" }
            p.note { "The window of each picture where calotype at 0.3 bpp differs most from the original. The others are given as many bytes as calotype took. Numbers are of the whole picture." }
            @for (place, (crop, images)) in results.crops.iter().zip(&images).enumerate() { (crop_row(place, crop, images)) }
        }
    })
}

/// The original and the cells as data URIs.
fn embedded(crop: &Crop, folder: &Path) -> Result<Vec<String>, Error> {
    let names = std::iter::once(&crop.original).chain(crop.cells.iter().map(|cell| &cell.image));
    let uri = |name: &String| {
        let path = folder.join(name);
        let bytes = fs::read(&path).map_err(Error::io(path, "read"))?;
        Ok(format!("data:image/png;base64,{}", BASE64_STANDARD.encode(bytes)))
    };
    names.map(uri).collect()
}

fn crop_row(place: usize, crop: &Crop, images: &[String]) -> Markup {
    let caption = |name: &str| format!("{} at {} bpp: {name}", crop.picture, crop.target_bpp);
    html! {
        h3 { (crop.picture) " at " (number(&format!("/crops/{place}/target_bpp"), crop.target_bpp, 2)) " bpp" }
        div.crops {
            figure {
                img src=(images[0]) width=(crop.window.width) height=(crop.window.height) alt=(caption("original"));
                figcaption { b { "original" } }
            }
            @for (nth, (cell, image)) in crop.cells.iter().zip(&images[1..]).enumerate() {
                figure {
                    img src=(image) width=(crop.window.width) height=(crop.window.height) alt=(caption(&cell.codec));
                    figcaption { b { (cell.codec) } (tables::crop_numbers(&format!("/crops/{place}/cells/{nth}"), &cell.point)) }
                }
            }
        }
    }
}
