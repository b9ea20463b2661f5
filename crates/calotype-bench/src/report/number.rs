//! Numbers of a page that say where they come from.

use maud::{Markup, html};

/// `value` with this many decimals, and the JSON pointer of the results file where it stands.
pub fn number(pointer: &str, value: f64, decimals: usize) -> Markup {
    html! { data data-json=(pointer) data-decimals=(decimals) value=(value) { (format!("{value:.decimals$}")) } }
}

/// The same of a value that may be missing.
pub fn number_or_dash(pointer: &str, value: Option<f64>, decimals: usize) -> Markup {
    value.map_or_else(|| html! { "–" }, |value| number(pointer, value, decimals))
}

/// The same of a difference, with its sign.
pub fn signed_or_dash(pointer: &str, value: Option<f64>) -> Markup {
    value.map_or_else(
        || html! { "–" },
        |value| html! { data data-json=(pointer) data-decimals=(1) value=(value) class=(if value < 0.0 { "less" } else { "more" }) { (format!("{value:+.1}")) } },
    )
}
