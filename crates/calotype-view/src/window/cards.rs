//! What is to be seen where there is no picture: why, or what can be opened.

use egui::{Align2, Color32, FontId, Rect, Ui, vec2};

use crate::viewer::Viewer;

/// The error of the file in view, or an invitation.
pub fn without_picture(ui: &mut Ui, viewer: &mut Viewer, view: Rect) {
    let error = viewer.current().and_then(|document| document.error.clone());
    let opening = viewer.files().current().is_some() && error.is_none();
    if opening {
        ui.painter_at(view).text(view.center(), Align2::CENTER_CENTER, "opening ...", FontId::proportional(16.0), Color32::from_gray(170));
        return;
    }
    let card = Rect::from_center_size(view.center(), vec2(560.0_f32.min(view.width() - 40.0), 260.0_f32.min(view.height() - 20.0)));
    ui.scope_builder(egui::UiBuilder::new().max_rect(card), |ui| match error {
        Some(error) => error_card(ui, &error.to_string()),
        None => welcome(ui, viewer),
    });
}

fn error_card(ui: &mut Ui, words: &str) {
    egui::Frame::popup(ui.style()).inner_margin(20.0).show(ui, |ui| {
        ui.vertical_centered(|ui| {
            ui.label(egui::RichText::new("This file cannot be shown").size(19.0).strong());
            ui.add_space(10.0);
            ui.label(egui::RichText::new(words).size(14.5).color(Color32::from_rgb(255, 170, 150)));
            ui.add_space(10.0);
            ui.weak("The arrow keys go on to the next file. Another one can be dropped here.");
        });
    });
}

fn welcome(ui: &mut Ui, viewer: &mut Viewer) {
    ui.vertical_centered(|ui| {
        ui.label(egui::RichText::new("Calotype").size(26.0).strong());
        ui.label(egui::RichText::new("Drop a picture here: .calo, PNG, JPEG, WebP, TIFF, BMP or PNM").size(15.0));
        ui.weak("F1 lists the keys");
        ui.add_space(12.0);
        let recent: Vec<_> = viewer.recent().iter().take(6).cloned().collect();
        for path in recent {
            if ui.link(path.display().to_string()).clicked() {
                viewer.open(&[path]);
            }
        }
    });
}
