//! The panel beside the picture, and the line below it.

use std::path::PathBuf;

use calotype::Quality;
use egui::{Color32, ComboBox, Key, RichText, Slider, TextEdit, Ui};

use super::canvas::{Pixel, pixel_at};
use crate::command::{BINDINGS, Command};
use crate::side::{Choice, Compare, Overlay};
use crate::viewer::Viewer;
use crate::words;

const ERROR: Color32 = Color32::from_rgb(255, 150, 130);

/// The panel.
pub fn show(ui: &mut Ui, viewer: &mut Viewer) {
    egui::ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.add_space(6.0);
        file(ui, viewer);
        if viewer.original().is_some() {
            section(ui, "Encode");
            encode(ui, viewer);
        }
        section(ui, "Compare");
        compare(ui, viewer);
        section(ui, "Look inside");
        inside(ui, viewer);
        ui.add_space(8.0);
        ui.weak("F1 lists the keys");
    });
}

fn section(ui: &mut Ui, title: &str) {
    ui.add_space(8.0);
    ui.separator();
    ui.label(RichText::new(title).strong().size(14.0));
    ui.add_space(2.0);
}

fn file(ui: &mut Ui, viewer: &mut Viewer) {
    let (place, count) = viewer.files().place();
    let name = viewer.files().current().map(words::file_name).unwrap_or_default();
    ui.add(egui::Label::new(RichText::new(name).strong().size(15.0)).truncate());
    ui.horizontal(|ui| {
        if ui.button("<").on_hover_text("previous file").clicked() {
            viewer.apply(Command::Go(-1));
        }
        if ui.button(">").on_hover_text("next file").clicked() {
            viewer.apply(Command::Go(1));
        }
        if count > 0 {
            ui.weak(format!("{} of {count}", place + 1));
        }
        ui.menu_button("recent", |ui| recent(ui, viewer));
    });
    let Some(facts) = viewer.current().and_then(|document| document.facts.clone()) else { return };
    ui.label(format!("{} x {} pixels", facts.width, facts.height));
    ui.label(words::size_and_rate(facts.bytes, facts.width, facts.height));
    if let Some(info) = facts.calo {
        let tiles = if info.tiles == 1 { "tile" } else { "tiles" };
        ui.label(format!("{}, {} {tiles}{}", words::quality(&info), info.tiles, if info.folded { ", folded" } else { "" }));
        ui.weak(format!("model {}", info.model_id));
    }
    for note in &facts.notes {
        ui.weak(note);
    }
}

fn recent(ui: &mut Ui, viewer: &mut Viewer) {
    let recent: Vec<PathBuf> = viewer.recent().to_vec();
    for path in recent {
        if ui.button(words::file_name(&path)).on_hover_text(path.display().to_string()).clicked() {
            viewer.open(&[path]);
            ui.close();
        }
    }
}

fn encode(ui: &mut Ui, viewer: &mut Viewer) {
    ui.spacing_mut().slider_width = ui.available_width() - 62.0;
    if let Some(quality) = quality_slider(ui, viewer, viewer.quality) {
        viewer.set_quality(quality);
    }
    let made = [1, 0].into_iter().find(|slot| matches!(viewer.choice(*slot), Choice::Calotype(_)));
    if let Some(shown) = made.and_then(|slot| viewer.shown(slot)) {
        ui.label(words::size_and_rate(shown.bytes, shown.picture.width, shown.picture.height));
    } else {
        ui.weak("move the slider to see the picture at a quality");
    }
    ui.horizontal(|ui| {
        ui.label("at most");
        let field = ui.add(TextEdit::singleline(&mut viewer.wanted_kb).desired_width(60.0).hint_text("100"));
        ui.label("kB");
        let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        if ui.button("find").clicked() || entered {
            meet(viewer);
        }
    });
    ui.add(TextEdit::singleline(&mut viewer.save_as).desired_width(f32::INFINITY));
    ui.horizontal(|ui| {
        if ui.button("Save").clicked() {
            viewer.apply(Command::Save);
        }
        ui.checkbox(&mut viewer.replace, "replace");
    });
}

/// The quality that it was moved to.
fn quality_slider(ui: &mut Ui, viewer: &Viewer, quality: Quality) -> Option<Quality> {
    let [lowest, highest] = viewer.qualities().map(Quality::points);
    let mut points = quality.points();
    // Told how many decimals to show, the slider would round the value itself: a quality that meets a size.
    let slider = Slider::new(&mut points, lowest..=highest).custom_formatter(|points, _| format!("{points:.1}"));
    let moved = ui.add(slider).changed();
    Quality::new(points).ok().filter(|_| moved)
}

fn meet(viewer: &mut Viewer) {
    match viewer.wanted_kb.trim().parse::<f64>() {
        Ok(size) if size > 0.0 && size < 1e9 => viewer.meet((size * 1000.0) as u64),
        _ => viewer.say("give a size in kB, e.g. 100", true),
    }
}

fn compare(ui: &mut Ui, viewer: &mut Viewer) {
    ui.horizontal(|ui| {
        for (style, name) in [(Compare::Split, "split"), (Compare::Difference, "difference"), (Compare::Flicker, "flicker")] {
            if ui.selectable_label(viewer.compare == style, name).clicked() {
                viewer.apply(Command::Compare(style));
            }
        }
        if viewer.compare != Compare::Off && ui.button("swap").clicked() {
            viewer.apply(Command::Swap);
        }
    });
    if viewer.compare == Compare::Off {
        return;
    }
    side(ui, viewer, 0);
    side(ui, viewer, 1);
    if viewer.compare == Compare::Difference {
        ui.add(Slider::new(&mut viewer.gain, 1..=64).logarithmic(true).text("times"));
    }
    measures(ui, viewer);
}

/// The sides that can be chosen.
fn choices(viewer: &Viewer) -> Vec<Choice> {
    let mut choices = vec![Choice::Current];
    if viewer.original().is_some() {
        choices.extend([Choice::Original, Choice::Calotype(viewer.quality)]);
        choices.extend(calotype_bench::peer_names().map(Choice::Peer));
    }
    let current = viewer.files().current();
    let recent = viewer.recent().iter().filter(|path| Some(path.as_path()) != current).take(5);
    choices.extend(recent.cloned().map(Choice::File));
    choices
}

fn side(ui: &mut Ui, viewer: &mut Viewer, slot: usize) {
    let chosen = viewer.choice(slot).clone();
    ui.horizontal(|ui| {
        ui.label(["A", "B"][slot]);
        ComboBox::from_id_salt(("side", slot)).selected_text(words::choice(&chosen)).width(ui.available_width() - 8.0).show_ui(ui, |ui| {
            for choice in choices(viewer) {
                if ui.selectable_label(choice == chosen, words::choice(&choice)).clicked() {
                    viewer.choose(slot, choice);
                }
            }
        });
    });
    if let Choice::Calotype(quality) = chosen
        && let Some(quality) = quality_slider(ui, viewer, quality)
    {
        viewer.choose_quality(slot, quality);
    }
    if let Some(error) = viewer.refusal(slot) {
        ui.colored_label(ERROR, error.to_string());
    } else if let Some(shown) = viewer.shown(slot) {
        ui.weak(words::size_and_rate(shown.bytes, shown.picture.width, shown.picture.height));
    }
}

fn measures(ui: &mut Ui, viewer: &Viewer) {
    match viewer.measures() {
        None => {
            ui.weak("measuring ...");
        }
        Some(Err(error)) => {
            ui.colored_label(ERROR, error.to_string());
        }
        Some(Ok(measures)) => {
            let or_dash = |value: Option<f64>, decimals: usize| value.map_or("-".to_owned(), |value| format!("{value:.decimals$}"));
            egui::Grid::new("measures").num_columns(2).show(ui, |ui| {
                let rows = [
                    ("PSNR", format!("{:.2} dB", measures.psnr_db)),
                    ("MS-SSIM", or_dash(measures.ms_ssim, 4)),
                    ("SSIMULACRA2", or_dash(measures.ssimulacra2, 2)),
                ];
                for (name, value) in rows {
                    ui.label(name);
                    ui.label(RichText::new(value).monospace());
                    ui.end_row();
                }
            });
        }
    }
}

fn inside(ui: &mut Ui, viewer: &mut Viewer) {
    let channel = if let Overlay::Channel(channel) = viewer.overlay { channel } else { 0 };
    ui.horizontal(|ui| {
        for (overlay, name) in [(Overlay::Bits, "bits"), (Overlay::Sigma, "sigma"), (Overlay::Channel(channel), "channel")] {
            if ui.selectable_label(viewer.overlay == overlay, name).clicked() {
                viewer.apply(Command::Overlay(overlay));
            }
        }
    });
    if viewer.overlay == Overlay::None {
        return;
    }
    let (channels, z_bits, y_bits) = match viewer.inside() {
        Some(Ok(inside)) => (inside.channels, inside.z_bits, inside.y_bits),
        Some(Err(error)) => {
            ui.colored_label(ERROR, error.to_string());
            return;
        }
        None => {
            ui.weak("looking ...");
            return;
        }
    };
    if let Overlay::Channel(mut channel) = viewer.overlay
        && ui.add(Slider::new(&mut channel, 0..=channels - 1).text("channel")).changed()
    {
        viewer.overlay = Overlay::Channel(channel);
    }
    let part = z_bits / (z_bits + y_bits).max(1.0);
    ui.label(format!("z  {}   ({:.1} %)", words::size((z_bits / 8.0) as u64), 100.0 * part));
    ui.label(format!("y  {}   ({:.1} %)", words::size((y_bits / 8.0) as u64), 100.0 * (1.0 - part)));
    let (bar, _) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 8.0), egui::Sense::hover());
    ui.painter().rect_filled(bar, 2.0, Color32::from_rgb(70, 110, 160));
    let z = bar.with_max_x(bar.left() + bar.width() * part as f32);
    ui.painter().rect_filled(z, 2.0, Color32::from_rgb(240, 170, 80));
}

/// The line below the picture.
pub fn status(ui: &mut Ui, viewer: &Viewer) {
    ui.horizontal(|ui| {
        let scale = viewer.transform().map_or(1.0, |transform| transform.scale());
        ui.label(RichText::new(format!("{:>6.1} %", scale * 100.0)).monospace());
        ui.separator();
        if let Some(message) = &viewer.message {
            let colour = if message.is_error { ERROR } else { Color32::from_gray(220) };
            ui.add(egui::Label::new(RichText::new(&message.words).color(colour)).truncate());
        } else if let Some(Pixel { place, values }) = pointed(ui, viewer) {
            let value = |pixel: Option<[u8; 3]>| pixel.map(|[r, g, b]| format!("{r:>3} {g:>3} {b:>3}"));
            let two = if viewer.compare == Compare::Off { None } else { value(values[1]) };
            let values: Vec<String> = [value(values[0]), two].into_iter().flatten().collect();
            ui.label(RichText::new(format!("{:>5}, {:>5}   {}", place[0], place[1], values.join("  |  "))).monospace());
        }
    });
}

/// The pixel below the mouse. The canvas begins at the window's top left corner.
fn pointed(ui: &Ui, viewer: &Viewer) -> Option<Pixel> {
    let point = ui.input(|input| input.pointer.hover_pos())?;
    let scale = f64::from(ui.ctx().pixels_per_point());
    let at = [f64::from(point.x) * scale, f64::from(point.y) * scale];
    let inside = at[0] < viewer.view[0] && at[1] < viewer.view[1];
    inside.then(|| pixel_at(viewer, &viewer.transform()?, at)).flatten()
}

/// The list of keys.
pub fn help(ui: &mut Ui, viewer: &mut Viewer) {
    let modal = egui::Modal::new(egui::Id::unique("help")).show(ui.ctx(), |ui| {
        ui.label(RichText::new("Keys").strong().size(18.0));
        ui.add_space(6.0);
        ui.columns(2, |columns| {
            let lines: Vec<_> = BINDINGS.iter().filter(|binding| !binding.words.is_empty()).collect();
            let half = lines.len().div_ceil(2);
            for (place, binding) in lines.into_iter().enumerate() {
                let ui = &mut columns[place / half];
                ui.horizontal(|ui| {
                    let name = binding.shortcut.format(&egui::ModifierNames::NAMES, cfg!(target_os = "macos"));
                    ui.add_sized([110.0, 18.0], egui::Label::new(RichText::new(name).monospace()));
                    ui.label(binding.words);
                });
            }
        });
    });
    if modal.should_close() {
        viewer.help = false;
    }
}
